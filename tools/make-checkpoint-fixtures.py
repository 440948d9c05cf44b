"""Writes test/fixtures/checkpoints: small files from torch.save and safetensors, and the names
and shapes of timm's and transformers' own state dicts. It is seeded, so a second run gives the
same numbers. Run it from any folder with the developers' Python (torch, timm, transformers,
safetensors)."""

import argparse
import collections
import datetime
import json
import pathlib
import random

import numpy
import timm
import torch
from safetensors.torch import save_file
from timm.models.eva import Eva
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

OUT = pathlib.Path(__file__).parent.parent / "test/fixtures/checkpoints"


class Odd(torch.nn.Module):
    """Tensors in every way that they can lie in their storage and in a pickle."""

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


def write_beside():
    """Writes the objects that training checkpoints contain beside the weights: everything that
    torch.load(weights_only=True) reads, and the harmless objects that it rejects, in both
    formats and all protocols."""
    torch.manual_seed(2)
    numpy.random.seed(2)
    weights = collections.OrderedDict(a=torch.randn(2, 3), b=torch.arange(4.0).reshape(2, 2).t())
    attributed = torch.nn.Parameter(torch.randn(2))
    attributed.sharded = True
    plain = torch.randn(3)
    plain.note = {"a": 1}
    safe = {
        "size": torch.Size([1, 2]), "counter": collections.Counter("abca"), "set": {1, 2}, "none": {None: 1},
        "tuple": {(1, "a"): 2, True: 3, 1.5: 4}, "dtype": [torch.bfloat16, torch.float8_e4m3fn, torch.uint16],
        "device": torch.device("cuda", 1), "bytes": b"\x00\xff", "bytearray": bytearray(b"\x80"),
        "complex": 1 + 2j, "big": 2**70, "attributed": attributed, "attributes": plain,
        "c64": torch.randn(2, dtype=torch.complex64), "conjugated": torch.randn(2, dtype=torch.complex64).conj(),
        "f8": torch.randn(4).to(torch.float8_e4m3fn), "f8_e5m2": torch.randn(4).to(torch.float8_e5m2),
        "u16": torch.arange(3).to(torch.uint16), "u64": torch.arange(3).to(torch.uint64),
        "sparse": torch.eye(3).to_sparse(), "csr": torch.eye(3).to_sparse_csr(), "layout": torch.strided,
        "meta": torch.empty(2, 2, device="meta"), "expanded": torch.ones(1).expand(5),
        "quantised": torch.quantize_per_tensor(torch.randn(4), 0.1, 0, torch.qint8),
        "channels": torch.quantize_per_channel(torch.randn(2, 2), torch.ones(2), torch.zeros(2), 0, torch.quint8),
        "rng": torch.get_rng_state()[:16].clone(),
    }
    inert = {
        "args": argparse.Namespace(lr=1e-3, path=pathlib.PurePosixPath("a/b"), layers=[1, 2]),
        "defaultdict": collections.defaultdict(list, {"a": [1]}), "frozenset": frozenset({1, 2}),
        "windows": pathlib.PureWindowsPath("c:/a"), "path": pathlib.PosixPath("a"),
        "now": datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc), "date": datetime.date(2024, 1, 2),
        "took": datetime.timedelta(seconds=3), "time": datetime.time(1, 2), "range": range(3), "slice": slice(1, 2),
        "scalar": numpy.float64(1.5), "boolean": numpy.bool_(True), "array": numpy.arange(6).reshape(2, 3),
        "objects": numpy.array([None, "a"], dtype=object), "structured": numpy.zeros(2, dtype=[("a", "<i4")]),
        "dtype": numpy.dtype("float32"), "type": numpy.float32, "state": numpy.random.get_state(),
        "generator": numpy.random.default_rng(1), "random_state": numpy.random.RandomState(1),
        "python": random.getstate(), "surrogate": "\udcff",
    }
    for legacy in (False, True):
        for protocol in (1, 2, 3, 4, 5):
            kind = "legacy" if legacy else "zip"
            options = dict(pickle_protocol=protocol, _use_new_zipfile_serialization=not legacy)
            # In protocol 1, a generic function creates objects of any class, and it is rejected.
            beside = {**safe, **(inert if protocol > 1 else {})}
            content = {"epoch": 1, "model_state_dict": weights, "optimizer": beside}
            torch.save(content, OUT / f"beside-{kind}-{protocol}.pt", **options)
    safe_file = OUT / "beside-safe.pt"
    torch.save({"state_dict": weights, **safe}, safe_file)
    torch.load(safe_file, weights_only=True)
    write("beside.json", {k: describe(v) for k, v in weights.items()})


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
    write_beside()
    write_names()
