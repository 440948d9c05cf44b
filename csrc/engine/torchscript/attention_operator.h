#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace llm2clip {

// All tokens to all tokens: packed [B, N, 3 · heads · dim] → [B, N, heads · dim]; q and k are
// turned by `angles` [2, N, dim] first, cosines above sines. half: numbers of 16 bits are precise
// enough, even where `packed` has 32.
at::Tensor attention(const at::Tensor& packed, int64_t heads,
                     const std::optional<at::Tensor>& angles, bool half);

// One learned query [1, 1, D], projected by weight and bias, to all tokens:
// packed [B, N, 2 · heads · dim] → [B, 1, heads · dim].
at::Tensor pool_attention(const at::Tensor& query, const at::Tensor& weight,
                          const std::optional<at::Tensor>& bias, const at::Tensor& packed,
                          int64_t heads);

// What attends here to what is in this type.
std::string attention_kernel(at::ScalarType type, bool half);

}  // namespace llm2clip
