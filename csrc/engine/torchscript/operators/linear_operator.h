#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace llm2clip {

// Repacks a linear layer's stored weight [out, in] for this processor and for computing in `type`:
// as this project's panels, or in oneDNN's own blocked layout.
at::Tensor prepack_linear_weight(const at::Tensor& weight, at::ScalarType type);

// x [.., in] · weightᵀ + bias → [.., out]. weight: [out, in], or the result of
// prepack_linear_weight(), which no longer contains `out`. bias: [out] f32.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight,
                  const std::optional<at::Tensor>& bias, int64_t out);

// Whether weights stored in this 16-bit type are multiplied as int16 here, with one scale per
// output channel and one per token. This is at least as precise as bf16, and twice as fast as f32
// on processors that are slow at bf16.
bool runs_in_int16(at::ScalarType stored);

// Names the kernel that multiplies prepacked weights here, by their stored type and the type of the
// computation.
std::string linear_kernel(at::ScalarType stored, at::ScalarType type);

}  // namespace llm2clip
