"""Trains the tiny LLM2CLIP of test/fixtures/digits on scikit-learn's handwritten digits.

Only developers need this. It requires torch, timm, transformers, tokenizers, scikit-learn and
Pillow.

    python tools/train-digits.py            # writes test/fixtures/digits, takes ten minutes

An EVA02 tower, a bidirectional Llama with its tokenizer, and the adapter between them are trained
together on images and captions with CLIP's loss. Held-out and gallery digits, and the templates of
the evaluation, are never used in training.
"""

import json
import shutil
from io import BytesIO
from pathlib import Path

import timm
import tokenizers
import torch
import transformers
from sklearn.datasets import load_digits

from digits.captions import HELD_OUT_TEMPLATES, WORDS
from digits.evaluation import Reference, nearest_neighbour_accuracy, zero_shot_accuracy
from digits.model import SIZE, Digits, save
from digits.images import GALLERY, HELD_OUT, names_in, png, split, write_pictures
from digits.tokenizer import train_tokenizer
from digits.training import train
from reference import pixels

FOLDER = Path(__file__).resolve().parent.parent / "test" / "fixtures" / "digits"
SEED = 0
EXPECTED_ACCURACY = 0.97

GOLDEN_TEXTS = [
    "",
    " ",
    "a handwritten digit seven",
    "a handwritten digit seven \n\t",
    "   a handwritten digit seven",
    "The number 3.",
    "THE NUMBER THREE",
    "手写的数字五",
    "两只狗在雪地里奔跑",
    "a 4 ✍🏽 👨‍👩‍👧 7️⃣",
    "Une élève a écrit « huit »… ça va ?\n\nOui,\tsûrement.",
    "two dogs run through the snow",
    "what is !@#$%^&*() between is counted to here",
    "one <|eot_id|> two",
    "a scan of a nine. " * 120,
    "1234567890" * 90,
]


def rounded(rows: torch.Tensor) -> list[list[float]]:
    return [[round(x, 7) for x in row.tolist()] for row in rows]


def write_model(images: torch.Tensor, labels: torch.Tensor) -> Reference:
    """Trains a model, and returns the written files as a reference, because they contain rounded
    weights."""
    model = Digits(train_tokenizer(SEED))
    train(model, images, labels, SEED)
    checkpoint, llm = FOLDER / "digits-eva02.pt", FOLDER / "llm"
    save(model, checkpoint, llm)
    return Reference(checkpoint, llm)


def accuracy(
    reference: Reference, of_held_out: torch.Tensor, of_gallery: torch.Tensor
) -> dict[str, float]:
    """Expects both sets in the order of their labels, with equally many per label."""
    right, known = (torch.arange(10).repeat_interleave(n) for n in (HELD_OUT, GALLERY))
    classes = reference.of_classes(WORDS, HELD_OUT_TEMPLATES)
    return {
        "nearestNeighbour": nearest_neighbour_accuracy(of_held_out, right, of_gallery, known),
        "zeroShot": zero_shot_accuracy(of_held_out, right, classes),
    }


def main() -> None:
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    digits = load_digits()
    pngs = [png(digit) for digit in digits.images]
    images = pixels([BytesIO(content) for content in pngs], SIZE)
    held_out, gallery, training = split(digits.target)

    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    names = names_in("heldout", digits.target[held_out])
    known = names_in("gallery", digits.target[gallery])
    contents = [pngs[i] for i in [*held_out, *gallery]]
    write_pictures(FOLDER / "images.zip", dict(zip([*names, *known], contents, strict=True)))
    reference = write_model(images[training], torch.from_numpy(digits.target[training]))

    with torch.inference_mode():
        of_held_out, of_gallery = (reference.of_pictures(images[i]) for i in (held_out, gallery))
        reached = accuracy(reference, of_held_out, of_gallery)
        of_texts = reference.of_texts(GOLDEN_TEXTS)
    print(reached)
    assert min(reached.values()) >= EXPECTED_ACCURACY
    shown = range(0, len(names), HELD_OUT)
    golden = {
        "madeBy": "tools/train-digits.py",
        "versions": {m.__name__: m.__version__ for m in (timm, tokenizers, torch, transformers)},
        "accuracy": reached,
        "classes": WORDS,
        "templates": HELD_OUT_TEMPLATES,
        "embeddings": dict(zip([names[i] for i in shown], rounded(of_held_out[shown]))),
        "texts": [
            {"text": text, "embedding": embedding}
            for text, embedding in zip(GOLDEN_TEXTS, rounded(of_texts))
        ],
    }
    (FOLDER / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
