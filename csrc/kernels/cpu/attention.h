#pragma once

#include <cstdint>

namespace llm2clip {

// Per head in f32: softmax(q · kᵀ / √dim) · v. Every token attends to all tokens.
// qkv [B, tokens, heads + 2 kv_heads, dim], q first, then k, then v → out [B, tokens, heads, dim].
// Each key and value head serves heads / kv_heads query heads. If cos and sin are given, RoPE is
// applied to neighbouring pairs of q and k first: (x0, x1) → (x0 cos − x1 sin, x1 cos + x0 sin).
struct AttentionArguments {
  int64_t tokens, heads, dim;
  const float* cos;  // [tokens, dim], or nullptr without RoPE
  const float* sin;
  int64_t kv_heads = heads;

  int64_t row() const { return (heads + 2 * kv_heads) * dim; }  // elements per token in qkv
  // Offset from a query head to its key head. The value head is kv_heads · dim further on.
  int64_t to_key(int64_t head) const { return (heads + head / (heads / kv_heads) - head) * dim; }
};

// The plain reference, for heads first to last − 1 of all B · heads.
void attention_plain(const float* qkv, float* out, const AttentionArguments& a, int64_t first,
                     int64_t last);

// The fast kernel. `scratch` holds attention_scratch() floats and is 64-byte aligned. The size is a
// multiple of 16, so that the scratch areas of several threads can follow one another.
void attention_avx512(const float* qkv, float* out, const AttentionArguments& a, float* scratch,
                      int64_t first, int64_t last);
int64_t attention_scratch(const AttentionArguments& a);

// The same with AVX2, in strips of 16 columns.
void attention_avx2(const float* qkv, float* out, const AttentionArguments& a, float* scratch,
                    int64_t first, int64_t last);
int64_t attention_scratch_avx2(const AttentionArguments& a);

// The same with NEON, for Arm.
void attention_neon(const float* qkv, float* out, const AttentionArguments& a, float* scratch,
                    int64_t first, int64_t last);
int64_t attention_scratch_neon(const AttentionArguments& a);

// The same for any processor, in loops that compilers vectorise.
void attention_generic(const float* qkv, float* out, const AttentionArguments& a, float* scratch,
                       int64_t first, int64_t last);
int64_t attention_scratch_generic(const AttentionArguments& a);

// The same for bf16 bits. Products take bf16 operands; sums and softmax are in f32.
void attention_avx512_bf16(const uint16_t* qkv, uint16_t* out, const AttentionArguments& a,
                           float* scratch, int64_t first, int64_t last);
int64_t attention_scratch_bf16(const AttentionArguments& a);

// The same for f32, with int16 products: q, k and v are rounded to int16 with one scale per token
// or column, and weights to 1/32767 of a row. Softmax is in f32.
void attention_avx512_vnni(const float* qkv, float* out, const AttentionArguments& a,
                           float* scratch, int64_t first, int64_t last);
int64_t attention_scratch_int16(const AttentionArguments& a);
void attention_int16_avx2(const float* qkv, float* out, const AttentionArguments& a, float* scratch,
                          int64_t first, int64_t last);
int64_t attention_scratch_int16_avx2(const AttentionArguments& a);

}  // namespace llm2clip
