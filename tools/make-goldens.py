"""Computes the embeddings of timm and transformers for synthetic checkpoints and two photographs.

Only developers need this. It requires torch, timm, transformers, safetensors and Pillow, and Node
for the generator.

    python tools/make-goldens.py [preset…]      # writes test/fixtures/goldens/<preset>.json
"""

import json
import sys
import tempfile
from pathlib import Path

import timm
import torch
import transformers

import reference
from project import ROOT, generate

FIXTURES = ROOT / "test" / "fixtures"
PHOTOGRAPHS = ["china.jpg", "flower.jpg"]
SEED = 1

# preset: the layout that its library can load
PRESETS = {
    "eva02-tiny": "timm",
    "eva02-tiny-16": "timm",
    "clip-tiny": "hf-openai",
    "clip-tiny-gelu": "hf-openai",
    "siglip2-tiny": "timm-siglip2",
    "eva02-L-14-336": "timm",
}


def pictures() -> list[Path]:
    return [FIXTURES / "images" / name for name in PHOTOGRAPHS]


def golden(preset: str, layout: str) -> dict:
    options = ["--preset", preset, "--layout", layout, "--format", "safetensors"]
    options += ["--dtype", "f32", "--seed", str(SEED)]
    with tempfile.TemporaryDirectory() as folder:
        generate("synthetic-checkpoint", options, folder)
        model = reference.build(Path(folder))
        pixels = reference.pixels(pictures(), reference.size_of(model))
        found = reference.embeddings(model, pixels)
    return {
        "madeBy": f"tools/make-goldens.py {preset}",
        "generator": " ".join(options),
        "seed": SEED,
        "versions": {
            "timm": timm.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "embeddings": {
            name: [float(f"{x:.8g}") for x in row.tolist()]
            for name, row in zip(PHOTOGRAPHS, found)
        },
    }


def main() -> None:
    torch.set_num_threads(2)
    for preset in sys.argv[1:] or PRESETS:
        path = FIXTURES / "goldens" / f"{preset}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(golden(preset, PRESETS[preset]), indent=1) + "\n")
        print(f"wrote {path.name}", flush=True)


if __name__ == "__main__":
    main()
