"""Opens a portable bundle's engine in plain Python and compares it with the project's own results.

    pip install torch timm transformers safetensors pillow
    llm2clip convert checkpoint --out portable.bundle --portable
    python tools/check-torchscript.py portable.bundle cat.jpg dog.png

The engine runs unchanged and frozen, for one image at a time and for all at once. The exit code is
1 if a number differs by more than the rounding of the precision.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

import reference
from project import embeddings

# The largest difference, relative to the largest number. It allows for sums in another order.
TOLERANCE = {"fp32": 1e-5, "fp16": 1e-2, "bf16": 3e-2}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("pictures", type=Path, nargs="+", metavar="image")
    arguments = parser.parse_args()
    manifest = json.loads((arguments.bundle / "llm2clip.json").read_text())
    preprocessing = manifest["preprocessing"]
    pixels = reference.pixels(
        arguments.pictures,
        preprocessing["size"],
        image_mean=preprocessing["mean"],
        image_std=preprocessing["std"],
    )
    project = embeddings(str(arguments.bundle), arguments.pictures)
    module = torch.jit.load(str(arguments.bundle / manifest["parts"]["vision"])).eval()
    worst = 0.0
    with torch.no_grad():
        for name, engine in (("saved", module), ("frozen", torch.jit.freeze(module))):
            alone = torch.cat([engine(one[None]) for one in pixels])
            for how, found in (("one by one", alone), ("at once", engine(pixels))):
                assert found.dtype == torch.float32, found.dtype
                difference = float((found - project).abs().max() / project.abs().max())
                print(f"{name}, {how}: max |difference| / max {difference:.2e}")
                worst = max(worst, difference)
    return 0 if worst <= TOLERANCE[manifest["precision"]] else 1


if __name__ == "__main__":
    sys.exit(main())
