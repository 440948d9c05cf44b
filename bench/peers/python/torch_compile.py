"""PyTorch with torch.compile. It needs a C++ compiler and Python's headers."""

import torch

from .engine import Options
from .pytorch import PyTorch, build


def open(options: Options) -> PyTorch:
    model = build(options)
    if options.device == "cpu":
        # Freezing packs the weights in advance, as recommended for inference on CPUs.
        compiled = torch.compile(model, dynamic=False, options={"freezing": True})
    else:
        compiled = torch.compile(model, dynamic=False, mode="reduce-overhead")  # CUDA graphs
    return PyTorch(compiled, options)
