#pragma once

#include <ATen/core/Tensor.h>

namespace llm2clip {

// A linear's weight repacked into oneDNN's own blocked layout, for this processor.
at::Tensor prepack_linear_weight(const at::Tensor& weight);

}  // namespace llm2clip
