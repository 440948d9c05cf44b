#pragma once

#include <NvInfer.h>

#include <algorithm>

#include "base/shape.h"

namespace llm2clip::tensorrt {

// Converts between this project's shapes and TensorRT's. −1 stands for an extent that is known only
// at run time.

inline nvinfer1::Dims dims_of(const Shape& shape) {
  nvinfer1::Dims dims{static_cast<int32_t>(shape.size()), {}};
  std::ranges::copy(shape, dims.d);
  return dims;
}

inline Shape shape_of(const nvinfer1::Dims& dims) { return {dims.d, dims.d + dims.nbDims}; }

}  // namespace llm2clip::tensorrt
