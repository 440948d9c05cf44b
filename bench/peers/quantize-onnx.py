"""Quantises the weights of an ONNX file to int8. Activations are quantised dynamically.

    python bench/peers/quantize-onnx.py model.onnx model-int8.onnx
"""

import argparse
from pathlib import Path

import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    quantize_dynamic(
        arguments.model, arguments.output, weight_type=QuantType.QInt8, per_channel=True
    )
    print(f"wrote {arguments.output} with onnxruntime {onnxruntime.__version__}")


if __name__ == "__main__":
    main()
