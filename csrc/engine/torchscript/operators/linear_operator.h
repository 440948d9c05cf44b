#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace llm2clip {

// A linear's weight [out, in], as stored, repacked for this processor to be computed with in
// `type`: this project's panels, or oneDNN's own blocked layout.
at::Tensor prepack_linear_weight(const at::Tensor& weight, at::ScalarType type);

// x [.., in] · weightᵀ + bias → [.., out]. weight: [out, in], or what prepack_linear_weight() made
// of it, which no longer knows `out`. bias: [out] f32.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight,
                  const std::optional<at::Tensor>& bias, int64_t out);

// Whether weights stored in this type of 16 bits are multiplied as int16 here, with a scale an
// output and a token: no less precise than bf16, and where bf16 is slow twice as fast as f32.
bool runs_in_int16(at::ScalarType stored);

// What multiplies prepacked weights here, stored in one type and computed with in another.
std::string linear_kernel(at::ScalarType stored, at::ScalarType type);

}  // namespace llm2clip
