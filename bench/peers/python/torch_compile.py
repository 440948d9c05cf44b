"""PyTorch with torch.compile: needs a C++ compiler, and Python's headers."""

import torch

from .engine import Options
from .pytorch import PyTorch, build


def open(options: Options) -> PyTorch:
    model = build(options)
    if options.device == "cpu":
        # Freezing packs the weights beforehand, as is advised for inference on processors.
        compiled = torch.compile(model, dynamic=False, options={"freezing": True})
    else:
        compiled = torch.compile(model, dynamic=False, mode="reduce-overhead")  # CUDA graphs
    return PyTorch(compiled, options)
