#pragma once

#include <ATen/ATen.h>

#include <utility>

namespace llm2clip {

// A linear layer's weight [out, in] f32 → int8 [out, in] and one scale per output channel, [out]
// f32. It is symmetric: the largest magnitude of an output channel becomes 127.
inline std::pair<at::Tensor, at::Tensor> quantised_weight(const at::Tensor& weight) {
  const at::Tensor scales = weight.abs().amax(1).div_(127).clamp_min_(1e-30);
  return {weight.div(scales.unsqueeze(1)).round_().to(at::kChar), scales};
}

// Rounds x [rows, in] f32 to int8 with one scale per row, and returns the rounded numbers in f32.
inline at::Tensor rounded_by_row(const at::Tensor& x) {
  const auto [values, scales] = quantised_weight(x);
  return values.to(at::kFloat).mul_(scales.unsqueeze(1));
}

}  // namespace llm2clip
