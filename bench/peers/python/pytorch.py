"""PyTorch, eager: the reference model of a checkpoint."""

import sys
from pathlib import Path

import numpy as np
import timm
import torch
import transformers

from .engine import Options, require

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

import reference  # noqa: E402

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def build(options: Options) -> torch.nn.Module:
    """Builds the model in the requested precision on the requested device."""
    require("precision", options.precision, tuple(DTYPES))
    torch.set_num_threads(options.threads)
    model = reference.build(Path(options.model))
    return model.to(device=options.device, dtype=DTYPES[options.precision])


class PyTorch:
    versions = {
        "torch": torch.__version__,
        "timm": timm.__version__,
        "transformers": transformers.__version__,
    }

    def __init__(self, model: torch.nn.Module, options: Options):
        self.precision = options.precision
        self._model = model
        self._place = {"device": options.device, "dtype": DTYPES[options.precision]}

    @torch.inference_mode()
    def run(self, pixels: np.ndarray) -> np.ndarray:
        output = self._model(torch.from_numpy(pixels).to(**self._place))
        embedding = getattr(output, "image_embeds", output)
        return embedding.float().cpu().numpy()  # the copy waits for the GPU


def open(options: Options) -> PyTorch:
    return PyTorch(build(options), options)
