#include "kernels/cpu/layer_norm.h"

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/norm_row.h"

namespace llm2clip {
namespace {

template <typename X, typename T>
inline void all_rows(const X* x, const T* weight, const T* bias, T* out,
                     const LayerNormArguments& a, int64_t first, int64_t last) {
  for (int64_t row = first; row < last; ++row) {
    norm_row(x + row * a.width, weight, bias, out + row * a.width, a.width, a.eps);
  }
}

template <typename T>
inline void all_rows_of_sum(const float* x, const T* y, const T* weight, const T* bias, float* sum,
                            T* out, const LayerNormArguments& a, int64_t first, int64_t last) {
  for (int64_t row = first; row < last; ++row) {
    const int64_t at = row * a.width;
    for (int64_t i = at; i < at + a.width; ++i) sum[i] = x[i] + load(y, i);
    norm_row(sum + at, weight, bias, out + at, a.width, a.eps);
  }
}

}  // namespace

template <>
LLM2CLIP_CLONES void layer_norm_rows(const float* x, const float* weight, const float* bias,
                                     float* out, const LayerNormArguments& a, int64_t first,
                                     int64_t last) {
  all_rows(x, weight, bias, out, a, first, last);
}

template <>
LLM2CLIP_CLONES void layer_norm_rows(const float* x, const uint16_t* weight, const uint16_t* bias,
                                     uint16_t* out, const LayerNormArguments& a, int64_t first,
                                     int64_t last) {
  all_rows(x, weight, bias, out, a, first, last);
}

template <>
LLM2CLIP_CLONES void layer_norm_rows(const uint16_t* x, const uint16_t* weight,
                                     const uint16_t* bias, uint16_t* out,
                                     const LayerNormArguments& a, int64_t first, int64_t last) {
  all_rows(x, weight, bias, out, a, first, last);
}

template <>
LLM2CLIP_CLONES void add_layer_norm_rows(const float* x, const float* y, const float* weight,
                                         const float* bias, float* sum, float* out,
                                         const LayerNormArguments& a, int64_t first, int64_t last) {
  all_rows_of_sum(x, y, weight, bias, sum, out, a, first, last);
}

template <>
LLM2CLIP_CLONES void add_layer_norm_rows(const float* x, const uint16_t* y, const uint16_t* weight,
                                         const uint16_t* bias, float* sum, uint16_t* out,
                                         const LayerNormArguments& a, int64_t first, int64_t last) {
  all_rows_of_sum(x, y, weight, bias, sum, out, a, first, last);
}

}  // namespace llm2clip
