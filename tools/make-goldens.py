"""Computes what timm and transformers give for synthetic checkpoints and two photographs.

Developers only: needs torch, timm, transformers, safetensors and Pillow, and Node for the generator.

    python tools/make-goldens.py [preset…]      # writes test/fixtures/goldens/<preset>.json
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import timm
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, CLIPVisionModelWithProjection

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "test" / "fixtures"
PHOTOGRAPHS = ["china.jpg", "flower.jpg"]
SEED = 1

# preset: the layout in which its library loads it
PRESETS = {
    "eva02-tiny": "timm",
    "eva02-tiny-16": "timm",
    "clip-tiny": "hf-openai",
    "clip-tiny-gelu": "hf-openai",
    "siglip2-tiny": "timm-siglip2",
    "eva02-L-14-336": "timm",
}


def layer_norm(dim: int, **kwargs) -> torch.nn.LayerNorm:
    return torch.nn.LayerNorm(dim, eps=1e-6)


def shape_of(state: dict) -> dict:
    width, _, patch, _ = state["patch_embed.proj.weight"].shape
    layers = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("blocks."))
    return {"patch_size": patch, "embed_dim": width, "depth": layers}


def eva02(state: dict, folder: Path) -> torch.nn.Module:
    shape = shape_of(state)
    hidden = state["blocks.0.mlp.fc1_g.weight"].shape[0]
    grid = round((state["pos_embed"].shape[1] - 1) ** 0.5)
    model = Eva(
        img_size=grid * shape["patch_size"],
        num_heads=shape["embed_dim"] // 64,
        mlp_ratio=(hidden + 0.5) / shape["embed_dim"],
        qkv_fused=False,
        swiglu_mlp=True,
        scale_mlp=True,
        scale_attn_inner=True,
        use_rot_pos_emb=True,
        ref_feat_shape=(16, 16),
        global_pool="token",
        num_classes=state["head.weight"].shape[0],
        norm_layer=layer_norm,
        **shape,
    )
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("rope" in key for key in missing), (missing, unexpected)
    return model


def siglip2(state: dict, folder: Path) -> torch.nn.Module:
    shape = shape_of(state)
    grid = round(state["pos_embed"].shape[1] ** 0.5)
    model = VisionTransformer(
        img_size=grid * shape["patch_size"],
        num_heads=shape["embed_dim"] // 72,
        mlp_ratio=(state["blocks.0.mlp.fc1.weight"].shape[0] + 0.5) / shape["embed_dim"],
        class_token=False,
        global_pool="map",
        num_classes=0,
        act_layer="gelu_tanh",
        norm_layer=layer_norm,
        **shape,
    )
    model.load_state_dict(state)
    return model


def clip_vit(state: dict, folder: Path) -> torch.nn.Module:
    config = CLIPVisionConfig(**json.loads((folder / "config.json").read_text()))
    model = CLIPVisionModelWithProjection(config)
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("position_ids" in key for key in missing), (missing, unexpected)
    return model


def load(layout: str, folder: Path) -> torch.nn.Module:
    state = load_file(folder / "model.safetensors")
    make = {"timm": eva02, "timm-siglip2": siglip2, "hf-openai": clip_vit}[layout]
    return make(state, folder).eval()


def size_of(model: torch.nn.Module) -> int:
    if isinstance(model, CLIPVisionModelWithProjection):
        return model.config.image_size
    return model.patch_embed.img_size[0]


def pixels(size: int) -> torch.Tensor:
    processor = CLIPImageProcessorPil(
        size={"shortest_edge": size}, crop_size={"height": size, "width": size}
    )
    pictures = [Image.open(FIXTURES / "images" / name) for name in PHOTOGRAPHS]
    return torch.from_numpy(np.stack(processor(pictures)["pixel_values"]))


def embeddings(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        output = model(pixels(size_of(model)))
    return output.image_embeds if hasattr(output, "image_embeds") else output


def golden(preset: str, layout: str) -> dict:
    options = ["--preset", preset, "--layout", layout, "--format", "safetensors"]
    options += ["--dtype", "f32", "--seed", str(SEED)]
    with tempfile.TemporaryDirectory() as folder:
        generator = ["node", "--import", "tsx", "tools/synthetic-checkpoint.mts"]
        subprocess.run([*generator, *options, "--out", folder], cwd=ROOT, check=True)
        found = embeddings(load(layout, Path(folder)))
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
