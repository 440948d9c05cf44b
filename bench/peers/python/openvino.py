"""OpenVINO on an ONNX file. int8 uses NNCF's post-training quantisation."""

import os
from importlib.metadata import version

os.environ["NNCF_CI"] = "1"  # otherwise NNCF sends usage statistics

import numpy as np  # noqa: E402
import openvino as ov  # noqa: E402

from . import pixels  # noqa: E402
from .engine import Options, require  # noqa: E402

# With int8, OpenVINO chooses the precision of the rest of the network.
HINTS = {"fp32": {"INFERENCE_PRECISION_HINT": "f32"}, "bf16": {"INFERENCE_PRECISION_HINT": "bf16"}}
NAMES = {"f32": "fp32", "bf16": "bf16", "f16": "fp16"}


def quantised(model: ov.Model, options: Options) -> ov.Model:
    import nncf  # only int8 needs it, and importing takes seconds

    if options.calibration is None:
        raise ValueError("expected a file of calibration pictures for int8")
    pictures = pixels.every(options.calibration, options.imageSize)
    dataset = nncf.Dataset([np.array(one[None]) for one in pictures])
    return nncf.quantize(
        model, dataset, model_type=nncf.ModelType.TRANSFORMER, subset_size=len(pictures)
    )


class OpenVino:
    def __init__(self, options: Options):
        require("device", options.device, ("cpu",))
        require("precision", options.precision, ("int8", *HINTS))
        self._core = ov.Core()
        self._settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": options.threads,
            **HINTS.get(options.precision, {}),
        }
        self._model = self._core.read_model(options.model)
        self.versions = {"openvino": ov.__version__.split("-")[0]}
        if options.precision == "int8":
            self._model = quantised(self._model, options)
            self.versions["nncf"] = version("nncf")
        self._requests: dict[tuple[int, ...], ov.InferRequest] = {}
        request = self._request((1, 3, options.imageSize, options.imageSize))
        hint = request.get_compiled_model().get_property("INFERENCE_PRECISION_HINT")
        name = hint.get_type_name()
        self.precision = "int8" if options.precision == "int8" else NAMES.get(name, name)

    def _request(self, shape: tuple[int, ...]) -> ov.InferRequest:
        """Compiles the model for this shape, which is faster than one network for all shapes."""
        if shape not in self._requests:
            self._model.reshape(shape)
            compiled = self._core.compile_model(self._model, "CPU", self._settings)
            self._requests[shape] = compiled.create_infer_request()
        return self._requests[shape]

    def run(self, pixels: np.ndarray) -> np.ndarray:
        request = self._request(pixels.shape)
        request.infer([pixels], share_inputs=True)
        return request.get_output_tensor().data.copy()


def open(options: Options) -> OpenVino:
    return OpenVino(options)
