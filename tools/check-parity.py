"""Compares the project's embeddings with timm's or transformers', on your weights and images.

    pip install torch timm transformers safetensors pillow
    python tools/check-parity.py LLM2CLIP-EVA02-L-14-336.pt cat.jpg dog.png
    python tools/check-parity.py checkpoint-folder cat.jpg --bundle eva02.bundle

Converts the checkpoint in fp32 unless a bundle is given. Prints one line per image. The exit code
is 1 if a cosine is below 0.9999. Run `npm start` once before, so that the project is built.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import torch

import reference
from project import embeddings, llm2clip

LEAST_COSINE = 0.9999


def normalisation(checkpoint: Path) -> dict:
    """Returns mean and standard deviation from a preprocessor_config.json beside the checkpoint."""
    folder = checkpoint if checkpoint.is_dir() else checkpoint.parent
    path = folder / "preprocessor_config.json"
    given = json.loads(path.read_text()) if path.exists() else {}
    return {key: given[key] for key in ("image_mean", "image_std") if key in given}


def compare(bundle: str, checkpoint: Path, pictures: list[Path]) -> bool:
    model = reference.build(checkpoint)
    size = reference.size_of(model)
    pixels = reference.pixels(pictures, size, **normalisation(checkpoint))
    expected = torch.cat([reference.embeddings(model, one[None]) for one in pixels])
    found = embeddings(bundle, pictures)
    if found.shape != expected.shape:
        print(f"expected embeddings {list(expected.shape)}, found {list(found.shape)}")
        return False
    cosines = torch.nn.functional.cosine_similarity(expected.double(), found.double())
    differences = (expected - found).abs().amax(1) / expected.abs().amax(1)
    print(f"{'cosine':>12}  {'max |difference| / max':>22}  image")
    for cosine, difference, picture in zip(cosines, differences, pictures):
        print(f"{cosine:12.9f}  {difference:22.2e}  {picture}")
    print(f"least cosine {cosines.min():.9f}, against {type(model).__name__} at {size} px")
    return bool((cosines >= LEAST_COSINE).all())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("pictures", type=Path, nargs="+", metavar="image")
    parser.add_argument("--bundle", help="compare this one instead of converting the checkpoint")
    arguments = parser.parse_args()
    for path in [arguments.checkpoint, *arguments.pictures]:
        if not path.exists():
            parser.error(f"no such file: {path}")
    if arguments.bundle is not None:
        return 0 if compare(arguments.bundle, arguments.checkpoint, arguments.pictures) else 1
    with tempfile.TemporaryDirectory() as folder:
        bundle = f"{folder}/bundle"
        llm2clip("convert", str(arguments.checkpoint), "--out", bundle, "--precision", "fp32")
        return 0 if compare(bundle, arguments.checkpoint, arguments.pictures) else 1


if __name__ == "__main__":
    sys.exit(main())
