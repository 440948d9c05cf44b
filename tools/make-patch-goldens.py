"""Computes the outputs of the layers of timm's and transformers' models for each patch.

Only developers need this. It has the same requirements as make-goldens.py.

    python tools/make-patch-goldens.py [preset…]      # writes test/fixtures/goldens/patches-<preset>.json
"""

import json
import sys
import tempfile
from pathlib import Path

import timm
import torch
import transformers
from timm.models.vision_transformer import VisionTransformer
from transformers import CLIPVisionModelWithProjection

import reference
from project import ROOT, generate

FIXTURES = ROOT / "test" / "fixtures"
PHOTOGRAPH = "china.jpg"
SEED = 1
KEPT = [0, 1, 4, 6, 11, 15]  # of 4 × 4 patches: neighbours in a row and in a column, both ends

# preset: the layout that its library can load
PRESETS = {"eva02-tiny": "timm", "clip-tiny": "hf-openai", "siglip2-tiny": "timm-siglip2"}

Layers = dict[str, torch.Tensor]


def of_clip(model: CLIPVisionModelWithProjection, pixels: torch.Tensor) -> Layers:
    """Returns hidden_states as LLaVA selects them, without the class token."""
    tower = model.vision_model
    states = tower(pixels, output_hidden_states=True).hidden_states
    layers = {str(i): state[:, 1:] for i, state in enumerate(states)}
    embeddings = model.visual_projection(tower.post_layernorm(states[-1]))
    return layers | {"embeddings": embeddings[:, 1:]}


def of_timm(model: torch.nn.Module, pixels: torch.Tensor) -> Layers:
    """Returns forward_intermediates, preceded by the input of the first block."""
    first = []
    hook = model.blocks[0].register_forward_pre_hook(lambda _, inputs: first.append(inputs[0]))
    tokens, states = model.forward_intermediates(pixels, output_fmt="NLC")
    hook.remove()
    skipped = model.num_prefix_tokens
    layers = {str(i): state for i, state in enumerate([first[0][:, skipped:], *states])}
    if isinstance(model, VisionTransformer):  # pools each token by itself
        batch, count, width = tokens.shape
        pooled = model.attn_pool(tokens.reshape(batch * count, 1, width))
        return layers | {"embeddings": pooled.reshape(batch, count, -1)}
    return layers | {"embeddings": model.head(model.fc_norm(tokens))[:, skipped:]}


def patches(model: torch.nn.Module, pixels: torch.Tensor) -> Layers:
    """Returns [n, patches, D] for each layer, and for the embedding space."""
    with torch.no_grad():
        if isinstance(model, CLIPVisionModelWithProjection):
            return of_clip(model, pixels)
        return of_timm(model, pixels)


def golden(preset: str, layout: str) -> dict:
    options = ["--preset", preset, "--layout", layout, "--format", "safetensors"]
    options += ["--dtype", "f32", "--seed", str(SEED)]
    with tempfile.TemporaryDirectory() as folder:
        generate("synthetic-checkpoint", options, folder)
        model = reference.build(Path(folder))
        pixels = reference.pixels([FIXTURES / "images" / PHOTOGRAPH], reference.size_of(model))
        found = patches(model, pixels)
    return {
        "madeBy": f"tools/make-patch-goldens.py {preset}",
        "seed": SEED,
        "versions": {
            "timm": timm.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "photograph": PHOTOGRAPH,
        "kept": KEPT,
        "layers": {
            name: [[float(f"{x:.5g}") for x in patch] for patch in layer[0, KEPT].tolist()]
            for name, layer in found.items()
        },
    }


def main() -> None:
    torch.set_num_threads(2)
    for preset in sys.argv[1:] or PRESETS:
        path = FIXTURES / "goldens" / f"patches-{preset}.json"
        path.write_text(json.dumps(golden(preset, PRESETS[preset]), separators=(",", ":")) + "\n")
        print(f"wrote {path.name}", flush=True)


if __name__ == "__main__":
    main()
