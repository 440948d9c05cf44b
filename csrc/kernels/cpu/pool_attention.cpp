#include "kernels/cpu/pool_attention.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/norm_row.h"
#include "kernels/cpu/softmax_row.h"

namespace llm2clip {
namespace {

template <typename T>
inline void one_head(const float* q, const T* k, T* out, const PoolAttentionArguments& a,
                     float* weights, float* mixed) {
  const float scale = 1.0F / std::sqrt(static_cast<float>(a.dim));
  for (int64_t t = 0; t < a.tokens; ++t) {
    const T* key = k + t * a.row();
    weights[t] = scale * sum_of(a.dim, [q, key](int64_t i) { return q[i] * load(key, i); });
  }
  const float factor = 1.0F / raise_row(weights, a.tokens);
  const T* v = k + a.heads * a.dim;
  std::fill_n(mixed, a.dim, 0.0F);
  for (int64_t t = 0; t < a.tokens; ++t) {
    const T* value = v + t * a.row();
    for (int64_t i = 0; i < a.dim; ++i) mixed[i] += weights[t] * load(value, i);
  }
  for (int64_t i = 0; i < a.dim; ++i) store(out, i, mixed[i] * factor);
}

template <typename T>
inline void all_heads(const float* query, const T* kv, T* out, const PoolAttentionArguments& a,
                      float* scratch, int64_t first, int64_t last) {
  for (int64_t i = first; i < last; ++i) {
    const int64_t offset = i % a.heads * a.dim;
    const T* k = kv + i / a.heads * a.tokens * a.row() + offset;
    one_head(query + offset, k, out + i * a.dim, a, scratch, scratch + a.tokens);
  }
}

}  // namespace

template <>
LLM2CLIP_CLONES void pool_attention_heads(const float* query, const float* kv, float* out,
                                          const PoolAttentionArguments& a, float* scratch,
                                          int64_t first, int64_t last) {
  all_heads(query, kv, out, a, scratch, first, last);
}

template <>
LLM2CLIP_CLONES void pool_attention_heads(const float* query, const uint16_t* kv, uint16_t* out,
                                          const PoolAttentionArguments& a, float* scratch,
                                          int64_t first, int64_t last) {
  all_heads(query, kv, out, a, scratch, first, last);
}

}  // namespace llm2clip
