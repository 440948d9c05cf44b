#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace llm2clip {

// A linear's int8 weight [out, in] repacked for this processor: panels where a kernel multiplies
// int8, else what prepack_linear_weight() makes of the f32 numbers that it stands for. scales:
// [out] f32.
at::Tensor prepack_int8_weight(const at::Tensor& weight, const at::Tensor& scales);

// x [.., in] / smoothing · (weight · scales)ᵀ + bias → [.., out], where every row of x is rounded
// to int8 with a scale of its own. weight: what prepack_int8_weight() made; inverse_smoothing:
// [in] f32; bias: [out] f32.
at::Tensor int8_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& scales,
                       const std::optional<at::Tensor>& inverse_smoothing,
                       const std::optional<at::Tensor>& bias, int64_t out);

// Whether this processor multiplies int8, and what multiplies here.
bool runs_in_int8();
std::string int8_linear_kernel();

}  // namespace llm2clip
