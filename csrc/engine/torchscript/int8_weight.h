#pragma once

#include <ATen/ATen.h>

#include <span>
#include <utility>

#include "ops/int8_rounding.h"

namespace llm2clip {

// A linear layer's weight [out, in] f32 → int8 [out, in] and one scale per output channel, [out]
// f32.
inline std::pair<at::Tensor, at::Tensor> int8_weight_of(const at::Tensor& weight) {
  const auto numbers = static_cast<size_t>(weight.numel());
  const Int8Matrix rounded =
      rounded_to_int8(std::span(weight.const_data_ptr<float>(), numbers), weight.size(1));
  return {at::tensor(rounded.values, at::kChar).view(weight.sizes()),
          at::tensor(rounded.scales, at::kFloat)};
}

}  // namespace llm2clip
