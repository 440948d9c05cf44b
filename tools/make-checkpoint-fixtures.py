"""Writes test/fixtures/checkpoints: small files by torch.save and safetensors themselves, and the
names and shapes of timm's and transformers' own state dicts. Seeded, so that a second run gives
the same numbers. Run from anywhere with the developers' Python (torch, timm, transformers,
safetensors)."""

import json
import pathlib

import timm
import torch
from safetensors.torch import save_file
from timm.models.eva import Eva
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

OUT = pathlib.Path(__file__).parent.parent / "test/fixtures/checkpoints"


class Odd(torch.nn.Module):
    """Every way in which a tensor can lie in its storage, and in a pickle."""

    def __init__(self):
        super().__init__()
        base = torch.randn(6, 4)
        self.linear = torch.nn.Linear(3, 2)
        self.register_buffer("transposed", base.t())
        self.register_buffer("slice", base[2:5, 1:3])
        self.register_buffer("as_float16", torch.randn(5).half())
        self.register_buffer("as_bfloat16", torch.randn(2, 2).bfloat16())
        self.register_buffer("as_float64", torch.randn(3).double())
        self.register_buffer("scalar", torch.tensor(7))
        self.register_buffer("mask", torch.tensor([True, False, True]))
        self.register_buffer("as_uint8", torch.arange(4, dtype=torch.uint8))
        self.register_buffer("empty", torch.zeros(0, 3))


def write_torch_files():
    torch.manual_seed(1)
    model = Odd()
    state = model.state_dict()
    for protocol in (2, 4, 5):
        torch.save({"epoch": 3, "state_dict": state}, OUT / f"odd-{protocol}.pt", pickle_protocol=protocol)
    torch.save({"model": dict(model.named_parameters()), "lr": 1e-3, "steps": 2**40}, OUT / "parameters.pt")
    save_file({k: v.contiguous().clone() for k, v in state.items()}, OUT / "odd.safetensors")
    write("odd.json", {k: describe(v) for k, v in state.items()})


def describe(tensor):
    dtype = str(tensor.dtype).removeprefix("torch.")
    return {"dtype": dtype, "shape": list(tensor.shape), "values": tensor.double().flatten().tolist()}


def write_names():
    size = dict(img_size=28, patch_size=14, depth=2)
    eva = Eva(**size, embed_dim=64, num_heads=1, mlp_ratio=2.6667, num_classes=32, qkv_fused=False,
              swiglu_mlp=True, scale_mlp=True, scale_attn_inner=True, use_rot_pos_emb=True,
              ref_feat_shape=(16, 16), global_pool="token")
    siglip = timm.create_model("vit_so400m_patch14_siglip_224", num_classes=0, **size, embed_dim=144,
                               num_heads=2)
    clip = CLIPVisionModelWithProjection(CLIPVisionConfig(
        hidden_size=64, intermediate_size=256, projection_dim=32, num_hidden_layers=2,
        num_attention_heads=1, image_size=28, patch_size=14))
    models = {"eva02-timm": eva, "siglip2-timm": siglip, "clip-transformers": clip}
    write("names.json", {name: {k: list(v.shape) for k, v in model.state_dict().items()}
                         for name, model in models.items()})


def write(name, value):
    (OUT / name).write_text(json.dumps(value, indent=1) + "\n")


if __name__ == "__main__":
    write_torch_files()
    write_names()
