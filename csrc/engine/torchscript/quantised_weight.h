#pragma once

#include <ATen/ATen.h>

#include <utility>

namespace llm2clip {

// A linear's weight [out, in] f32 → int8 [out, in] and a scale an output [out] f32, symmetric: the
// largest magnitude of an output becomes 127.
inline std::pair<at::Tensor, at::Tensor> quantised_weight(const at::Tensor& weight) {
  const at::Tensor scales = weight.abs().amax(1).div_(127).clamp_min_(1e-30);
  return {weight.div(scales.unsqueeze(1)).round_().to(at::kChar), scales};
}

}  // namespace llm2clip
