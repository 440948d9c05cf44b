#pragma once

#include <ATen/core/Tensor.h>

#include "ops/matrix.h"

namespace llm2clip {

inline Element element_of(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kFloat) return Element::kF32;
  TORCH_CHECK(tensor.scalar_type() == at::kBFloat16, "expected float32 or bfloat16, found ",
              tensor.scalar_type());
  return Element::kBf16;
}

// Views of a contiguous tensor as rows of its last dimension. The tensor must outlive them.
inline ConstMatrix matrix_of(const at::Tensor& tensor) {
  const int64_t width = tensor.size(-1);
  return {tensor.const_data_ptr(), element_of(tensor), tensor.numel() / width, width};
}

inline Matrix result_of(at::Tensor& tensor) {
  const int64_t width = tensor.size(-1);
  return {tensor.mutable_data_ptr(), element_of(tensor), tensor.numel() / width, width};
}

}  // namespace llm2clip
