#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace llm2clip {

// x [.., in] · weightᵀ + bias → [.., out] by cuBLASLt, with the bias in its epilogue. Weight and
// bias are padded by move_and_pad_weights(), so the result is padded, too.
at::Tensor linear_cuda(const at::Tensor& x, const at::Tensor& weight,
                       const std::optional<at::Tensor>& bias);

}  // namespace llm2clip
