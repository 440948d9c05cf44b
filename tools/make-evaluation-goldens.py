"""Computes recall and zero-shot probabilities with NumPy.

Only developers need this. It requires NumPy.

    python tools/make-evaluation-goldens.py      # writes test/fixtures/goldens/evaluation.json
"""

import json
from pathlib import Path

import numpy

OUT = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "goldens" / "evaluation.json"
AT = [1, 5, 10, 25, 50]


def share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


def recall(scores: numpy.ndarray, positive: numpy.ndarray) -> list[float]:
    """Ranks candidates for each query. The stable sort puts the lower index first among equal
    scores."""
    order = numpy.argsort(-scores, axis=1, kind="stable")
    ranked = numpy.take_along_axis(positive, order, axis=1)
    return [share(list(row[:k].any() for row in ranked if row.any())) for k in AT]


def retrieval(random: numpy.random.Generator, images: int, texts: int, width: int) -> dict:
    """Uses integers from -2 to 2, so that every dot product is exact and many are equal."""
    image = random.integers(-2, 3, (images, width))
    of = random.integers(0, images, texts) if texts != images else numpy.arange(texts)
    noise = random.integers(-2, 3, (texts, width)) * (random.random((texts, width)) < 0.6)
    text = numpy.clip(image[of] + noise, -2, 2)
    scores = (image @ text.T).astype(float)
    positive = of[None, :] == numpy.arange(images)[:, None]
    return {
        "images": image.flatten().tolist(),
        "texts": text.flatten().tolist(),
        "width": width,
        "imageOfText": of.tolist(),
        "imageToText": recall(scores, positive),
        "textToImage": recall(scores.T, positive.T),
    }


def normalised(rows: numpy.ndarray) -> numpy.ndarray:
    return rows / numpy.linalg.norm(rows, axis=-1, keepdims=True)


def zero_shot(random: numpy.random.Generator, classes: int, templates: int, width: int) -> dict:
    texts = random.standard_normal((classes, templates, width)).astype(numpy.float32)
    images = normalised(random.standard_normal((7, width)).astype(numpy.float32))
    means = normalised(normalised(texts.astype(float)).mean(axis=1))
    logits = 100 * images.astype(float) @ means.T
    powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    return {
        "texts": texts.flatten().tolist(),
        "images": images.flatten().tolist(),
        "width": width,
        "templates": templates,
        "classes": means.flatten().tolist(),
        "probabilities": (powers / powers.sum(axis=1, keepdims=True)).flatten().tolist(),
    }


def main() -> None:
    random = numpy.random.default_rng(1)
    golden = {
        "madeBy": "tools/make-evaluation-goldens.py",
        "versions": {"numpy": numpy.__version__},
        "at": AT,
        "retrieval": [
            retrieval(random, images, texts, width)
            for images, texts, width in [(60, 60, 6), (40, 200, 8), (70, 30, 4), (1, 1, 2)]
        ],
        "zeroShot": [zero_shot(random, *sizes) for sizes in [(5, 4, 16), (10, 1, 8), (3, 80, 4)]],
    }
    OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(f"wrote {OUT.name}")


if __name__ == "__main__":
    main()
