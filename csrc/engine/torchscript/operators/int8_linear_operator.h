#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace llm2clip {

// Repacks a linear layer's int8 weight [out, in] for this processor: as panels where a kernel
// multiplies int8, else as prepack_linear_weight() repacks the corresponding f32 numbers. scales:
// [out] f32.
at::Tensor prepack_int8_weight(const at::Tensor& weight, const at::Tensor& scales);

// x [.., in] / smoothing · (weight · scales)ᵀ + bias → [.., out]. Every row of x is rounded to int8
// with its own scale. weight: from prepack_int8_weight(); inverse_smoothing: [in] f32; bias: [out]
// f32.
at::Tensor int8_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& scales,
                       const std::optional<at::Tensor>& inverse_smoothing,
                       const std::optional<at::Tensor>& bias, int64_t out);

// Whether this processor multiplies int8, and the name of the kernel that is used here.
bool runs_in_int8();
std::string int8_linear_kernel();

}  // namespace llm2clip
