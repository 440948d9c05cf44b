#pragma once

#include <ATen/core/Tensor.h>

namespace llm2clip {

// Like at::empty(), but a large tensor takes the memory of this thread's last large tensor, once
// nobody reads that any more. New memory would have to be mapped and cleared page by page in every
// layer.
at::Tensor empty_result(at::IntArrayRef sizes, at::ScalarType type);

}  // namespace llm2clip
