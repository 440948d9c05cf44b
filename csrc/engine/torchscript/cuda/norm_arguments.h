#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/cuda/layer_norm.h"
#include "kernels/cuda/row_norm.h"

namespace llm2clip {

inline void check_width(int64_t width) {
  TORCH_CHECK(width % kChunk == 0 && width <= kWidestRow, "expected rows of a multiple of ", kChunk,
              " numbers, at most ", kWidestRow, ", found ", width);
}

// Returns the kernels' arguments for x [.., D] and a weight [D], after checking them.
inline CudaNormArguments norm_of(const at::Tensor& x, const at::Tensor& weight, double eps) {
  const int64_t width = weight.numel();
  check_width(width);
  TORCH_CHECK(x.size(-1) == width, "expected rows of ", width, " numbers, found ", x.size(-1));
  return {x.numel() / width, static_cast<int>(width), static_cast<float>(eps)};
}

}  // namespace llm2clip
