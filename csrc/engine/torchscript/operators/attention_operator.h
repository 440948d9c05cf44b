#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

namespace llm2clip::operators {

// Every token attends to all tokens: packed [B, N, 3 · heads · dim] → [B, N, heads · dim]. First q
// and k are rotated by `angles` [2, N, dim], cosines first. half: 16-bit numbers are precise
// enough, even if `packed` has 32 bits.
at::Tensor attention(const at::Tensor& packed, int64_t heads,
                     const std::optional<at::Tensor>& angles, bool half);

// Every token attends to all tokens of its text. Texts follow one another: packed
// [N, (heads + 2 kv_heads) · dim] → [N, heads · dim]. Text i has the tokens offsets[i] to
// offsets[i + 1] − 1; offsets is [B + 1] int64. First q and k are rotated by `angles`
// [2, most, dim], from the first token of each text on.
at::Tensor text_attention(const at::Tensor& packed, const at::Tensor& offsets, int64_t heads,
                          int64_t kv_heads, const at::Tensor& angles, bool half);

// One learned query [1, 1, D], projected by weight and bias, attends to all tokens: packed
// [B, N, 2 · heads · dim] → [B, 1, heads · dim].
at::Tensor pool_attention(const at::Tensor& query, const at::Tensor& weight,
                          const std::optional<at::Tensor>& bias, const at::Tensor& packed,
                          int64_t heads);

// Names the kernel that computes attentions in this type here.
std::string attention_kernel(at::ScalarType type, bool half);

}  // namespace llm2clip::operators
