#include "kernels/cpu/rope.h"

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/clones.h"

namespace llm2clip {
namespace {

template <typename T>
inline void turn(const T* x, const float* cos, const float* sin, T* out, int64_t dim) {
  for (int64_t i = 0; i < dim; i += 2) {
    const float x0 = load(x, i), x1 = load(x, i + 1);
    store(out, i, x0 * cos[i] - x1 * sin[i]);
    store(out, i + 1, x1 * cos[i + 1] + x0 * sin[i + 1]);
  }
}

template <typename T>
inline void all_rows(const T* qkv, T* q, T* k, const RopeArguments& a, int64_t first,
                     int64_t last) {
  const int64_t width = a.heads * a.dim;
  for (int64_t row = first; row < last; ++row) {
    const float* cos = a.cos + row % a.tokens * a.dim;
    const float* sin = a.sin + row % a.tokens * a.dim;
    const T* in = qkv + row * 3 * width;
    for (int64_t at = 0; at < width; at += a.dim) {
      turn(in + at, cos, sin, q + row * width + at, a.dim);
      turn(in + width + at, cos, sin, k + row * width + at, a.dim);
    }
  }
}

}  // namespace

template <>
LLM2CLIP_CLONES void rope_rows(const float* qkv, float* q, float* k, const RopeArguments& a,
                               int64_t first, int64_t last) {
  all_rows(qkv, q, k, a, first, last);
}

template <>
LLM2CLIP_CLONES void rope_rows(const uint16_t* qkv, uint16_t* q, uint16_t* k,
                               const RopeArguments& a, int64_t first, int64_t last) {
  all_rows(qkv, q, k, a, first, last);
}

}  // namespace llm2clip
