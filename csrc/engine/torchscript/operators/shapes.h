#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace llm2clip {

// Returns `shape` with another last dimension.
inline std::vector<int64_t> with_last(at::IntArrayRef shape, int64_t last) {
  auto result = shape.vec();
  result.back() = last;
  return result;
}

}  // namespace llm2clip
