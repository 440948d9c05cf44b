#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "ops/matrix.h"
#include "ops/workers.h"

namespace llm2clip {

// Attention: softmax(q · kᵀ / √dim) · v for each head, with softmax in f32. Inputs and outputs have
// the same element. RoPE rotates neighbouring pairs of q and k first:
// (x0, x1) → (x0 cos − x1 sin, x1 cos + x0 sin).

struct ImageAttention {
  int64_t tokens, heads, dim;
  const float* cos;  // [tokens, dim], or nullptr without RoPE
  const float* sin;
  bool half;  // 16-bit numbers are precise enough for products, even if the elements have 32 bits
};

// Every token attends to all tokens of its image: qkv [B · tokens, 3 · heads · dim] →
// out [B · tokens, heads · dim].
void attention(Workers& workers, const ImageAttention& a, ConstMatrix qkv, Matrix out);

// heads / kv_heads query heads share one key and value head.
struct TextAttention {
  int64_t heads, kv_heads, dim;
  const float* cos;  // [most tokens of a text, dim], or nullptr without RoPE
  const float* sin;
  bool half;
};

// Every token attends to all tokens of its text: qkv [N, (heads + 2 kv_heads) · dim] →
// out [N, heads · dim]. The rows of text i begin at offsets[i] − offsets[0]; `offsets` has one
// element more than there are texts.
void text_attention(Workers& workers, const TextAttention& a, std::span<const int32_t> offsets,
                    ConstMatrix qkv, Matrix out);

// One query [heads · dim], the same for all images, attends to all tokens of each image:
// kv [B · tokens, 2 · heads · dim] → out [B, heads · dim].
void pool_attention(Workers& workers, int64_t heads, const float* query, int64_t tokens,
                    ConstMatrix kv, Matrix out);

// Whether this processor has a kernel for attention() and text_attention() of these elements.
bool has_attention(Element element);

// Names the kernel that computes attention() and text_attention() here.
std::string attention_kernel(Element element, bool half);

}  // namespace llm2clip
