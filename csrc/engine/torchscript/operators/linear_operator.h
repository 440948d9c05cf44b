#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace llm2clip::operators {

// Repacks a linear layer's stored weight [out, in] for computing in `type` on this processor: as
// this project's panels, which keep the stored type, or in oneDNN's own blocked layout.
at::Tensor prepack_linear_weight(const at::Tensor& weight, at::ScalarType type);

// x [.., in] · weightᵀ + bias → [.., out]. weight: [out, in], or the result of
// prepack_linear_weight(), which no longer contains `out`. bias: [out] f32.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight,
                  const std::optional<at::Tensor>& bias, int64_t out);

// Names the kernel that multiplies prepacked weights here, by their stored type and the type of the
// computation.
std::string linear_kernel(at::ScalarType stored, at::ScalarType type);

}  // namespace llm2clip::operators
