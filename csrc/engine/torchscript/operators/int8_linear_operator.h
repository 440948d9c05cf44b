#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace llm2clip::operators {

// Repacks a linear layer's int8 weight [out, in] for this processor: as panels, or as
// prepack_linear_weight() repacks the corresponding f32 numbers. scales: [out] f32.
at::Tensor prepack_int8_weight(const at::Tensor& weight, const at::Tensor& scales);

// x [.., in] / smoothing · (weight · scales)ᵀ + bias → [.., out]. Where the processor multiplies
// int8, every row of x is rounded to int8 with its own scale. weight: from prepack_int8_weight();
// inverse_smoothing: [in] f32; bias: [out] f32.
at::Tensor int8_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& scales,
                       const std::optional<at::Tensor>& inverse_smoothing,
                       const std::optional<at::Tensor>& bias, int64_t out);

// The name of the kernel that is used here.
std::string int8_linear_kernel();

}  // namespace llm2clip::operators
