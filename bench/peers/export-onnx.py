"""Exports the reference model of a checkpoint to ONNX, for the peers that read it.

Only developers need this. It requires torch, timm, transformers, safetensors, Pillow and onnx.

    node --import tsx tools/synthetic-checkpoint.mts --preset eva02-L-14-336 --out FOLDER
    python bench/peers/export-onnx.py FOLDER/model.pt model.onnx
"""

import argparse
import os
import sys
from pathlib import Path

os.environ["TIMM_FUSED_ATTN"] = "0"  # the exporter does not support fused attention
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import timm  # noqa: E402
import torch  # noqa: E402

import reference  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output")
    arguments = parser.parse_args()
    model = reference.build(arguments.checkpoint)
    size = reference.size_of(model)
    pixels = torch.zeros(1, 3, size, size)
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
