#pragma once

#include <ATen/core/Tensor.h>

namespace llm2clip {

// at::empty(), but that a large tensor takes the memory of the last large one of this thread, once
// nobody reads that any more. New memory would be mapped and cleared page by page, in every layer
// anew.
at::Tensor empty_result(at::IntArrayRef sizes, at::ScalarType type);

}  // namespace llm2clip
