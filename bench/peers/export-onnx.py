"""Exports a TorchScript file of the portable flavour's twin, timm's EVA02, to ONNX for the peers.

Developers only: needs torch, timm and onnx. The weights are read from a bundle-independent
checkpoint in timm's own layout (tools/synthetic-checkpoint.mts --layout timm --format safetensors).

    python bench/peers/export-onnx.py timm.safetensors model.onnx --image-size 336
"""

import argparse
import os

os.environ["TIMM_FUSED_ATTN"] = "0"  # the exporter knows no fused attention

import timm  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from timm.models.eva import Eva  # noqa: E402


def build(state: dict, image_size: int) -> Eva:
    width = state["cls_token"].shape[-1]
    layers = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("blocks."))
    model = Eva(
        img_size=image_size,
        patch_size=state["patch_embed.proj.weight"].shape[-1],
        embed_dim=width,
        depth=layers,
        num_heads=width // 64,
        mlp_ratio=2.6667,
        qkv_fused=False,
        swiglu_mlp=True,
        scale_mlp=True,
        scale_attn_inner=True,
        use_rot_pos_emb=True,
        ref_feat_shape=(16, 16),
        global_pool="token",
        num_classes=state["head.weight"].shape[0],
        norm_layer=lambda dim, **kwargs: torch.nn.LayerNorm(dim, eps=1e-6),
    )
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("rope" in key for key in missing), (missing, unexpected)
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("output")
    parser.add_argument("--image-size", type=int, default=336)
    arguments = parser.parse_args()
    model = build(load_file(arguments.checkpoint), arguments.image_size)
    pixels = torch.zeros(1, 3, arguments.image_size, arguments.image_size)
    torch.onnx.export(
        model,
        (pixels,),
        arguments.output,
        input_names=["pixel_values"],
        output_names=["embedding"],
        dynamic_axes={"pixel_values": {0: "batch"}, "embedding": {0: "batch"}},
        opset_version=18,
        dynamo=False,
    )
    print(f"wrote {arguments.output} with timm {timm.__version__}, torch {torch.__version__}")


if __name__ == "__main__":
    main()
