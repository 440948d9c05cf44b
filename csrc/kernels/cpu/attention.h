#pragma once

#include <cstdint>

namespace llm2clip {

// softmax(q · kᵀ / √dim) · v of each head, all tokens to all tokens, in f32:
// qkv [B, tokens, heads + 2 kv_heads, dim], q first, then k, then v → out [B, tokens, heads, dim].
// Each head of k and v serves heads / kv_heads of q. With angles, neighbouring pairs of q and k are
// turned first: (x0, x1) → (x0 cos − x1 sin, x1 cos + x0 sin).
struct AttentionArguments {
  int64_t tokens, heads, dim;
  const float* cos;  // [tokens, dim], or nullptr
  const float* sin;
  int64_t kv_heads = heads;

  int64_t row() const { return (heads + 2 * kv_heads) * dim; }  // numbers of a token in qkv
  // From a head's query to the key that it meets; its value lies kv_heads · dim further.
  int64_t to_key(int64_t head) const { return (heads + head / (heads / kv_heads) - head) * dim; }
};

// Heads first to last − 1 of all B · heads: the reference.
void attention_plain(const float* qkv, float* out, const AttentionArguments& a, int64_t first,
                     int64_t last);

// The same, fast; `scratch` holds attention_scratch() floats, 64-byte aligned: a multiple of 16, so
// that several threads' can follow each other.
void attention_avx512(const float* qkv, float* out, const AttentionArguments& a, float* scratch,
                      int64_t first, int64_t last);
int64_t attention_scratch(const AttentionArguments& a);

// The same of bf16 bits: what is multiplied is rounded to bf16, sums and softmax are in f32.
void attention_avx512_bf16(const uint16_t* qkv, uint16_t* out, const AttentionArguments& a,
                           float* scratch, int64_t first, int64_t last);
int64_t attention_scratch_bf16(const AttentionArguments& a);

// The same of f32, rounded on the way: q, k and v to int16 with a scale a token or a column,
// weights to 1/32767 of a row; softmax is in f32.
void attention_avx512_vnni(const float* qkv, float* out, const AttentionArguments& a,
                           float* scratch, int64_t first, int64_t last);
int64_t attention_scratch_int16(const AttentionArguments& a);

}  // namespace llm2clip
