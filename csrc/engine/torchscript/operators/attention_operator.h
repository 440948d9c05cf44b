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

// All tokens of a text to each other, texts one after the other: packed
// [N, (heads + 2 kv_heads) · dim] → [N, heads · dim]. Text i has tokens offsets[i] to
// offsets[i + 1] − 1 ([B + 1] int64); q and k are turned by `angles` [2, most, dim] first, each
// text's from its beginning.
at::Tensor text_attention(const at::Tensor& packed, const at::Tensor& offsets, int64_t heads,
                          int64_t kv_heads, const at::Tensor& angles, bool half);

// One learned query [1, 1, D], projected by weight and bias, to all tokens:
// packed [B, N, 2 · heads · dim] → [B, 1, heads · dim].
at::Tensor pool_attention(const at::Tensor& query, const at::Tensor& weight,
                          const std::optional<at::Tensor>& bias, const at::Tensor& packed,
                          int64_t heads);

// What attends here to what is in this type.
std::string attention_kernel(at::ScalarType type, bool half);

}  // namespace llm2clip
