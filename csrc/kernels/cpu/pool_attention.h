#pragma once

#include <cstdint>

namespace llm2clip {

// One query per head, the same for all images, attends to all tokens of an image:
// query [heads, dim], kv [B, tokens, 2, heads, dim] → out [B, heads, dim] =
// softmax(query · kᵀ / √dim) · v, in f32.
struct PoolAttentionArguments {
  int64_t tokens, heads, dim;

  int64_t row() const { return 2 * heads * dim; }  // elements per token in kv
};

// The plain reference, in double, for heads first to last − 1 of all B · heads.
void pool_attention_plain(const float* query, const float* kv, float* out,
                          const PoolAttentionArguments& a, int64_t first, int64_t last);

// The fast kernel. T: float, or uint16_t for bf16. `scratch` holds pool_attention_scratch() floats.
template <typename T>
void pool_attention_heads(const float* query, const T* kv, T* out, const PoolAttentionArguments& a,
                          float* scratch, int64_t first, int64_t last);
inline int64_t pool_attention_scratch(const PoolAttentionArguments& a) { return a.tokens + a.dim; }

}  // namespace llm2clip
