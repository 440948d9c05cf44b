#include "kernels/cpu/rms_norm.h"

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/norm_row.h"

namespace llm2clip {
namespace {

template <typename T>
inline void one_row(const float* x, const T* weight, T* out, const RmsNormArguments& a) {
  const float square = sum_of(a.width, [x](int64_t i) { return x[i] * x[i]; });
  const float mean = square / static_cast<float>(a.width);
  const float scale = 1.0F / std::sqrt(mean + static_cast<float>(a.eps));
  for (int64_t i = 0; i < a.width; ++i) store(out, i, x[i] * scale * load(weight, i));
}

template <typename T>
inline void all_rows(const float* x, const T* weight, T* out, const RmsNormArguments& a,
                     int64_t first, int64_t last) {
  for (int64_t row = first; row < last; ++row) {
    one_row(x + row * a.width, weight, out + row * a.width, a);
  }
}

template <typename T>
inline void all_rows_of_sum(const float* x, const T* y, const T* weight, float* sum, T* out,
                            const RmsNormArguments& a, int64_t first, int64_t last) {
  for (int64_t row = first; row < last; ++row) {
    const int64_t at = row * a.width;
    for (int64_t i = at; i < at + a.width; ++i) sum[i] = x[i] + load(y, i);
    one_row(sum + at, weight, out + at, a);
  }
}

}  // namespace

template <>
LLM2CLIP_CLONES void rms_norm_rows(const float* x, const float* weight, float* out,
                                   const RmsNormArguments& a, int64_t first, int64_t last) {
  all_rows(x, weight, out, a, first, last);
}

template <>
LLM2CLIP_CLONES void rms_norm_rows(const float* x, const uint16_t* weight, uint16_t* out,
                                   const RmsNormArguments& a, int64_t first, int64_t last) {
  all_rows(x, weight, out, a, first, last);
}

template <>
LLM2CLIP_CLONES void add_rms_norm_rows(const float* x, const float* y, const float* weight,
                                       float* sum, float* out, const RmsNormArguments& a,
                                       int64_t first, int64_t last) {
  all_rows_of_sum(x, y, weight, sum, out, a, first, last);
}

template <>
LLM2CLIP_CLONES void add_rms_norm_rows(const float* x, const uint16_t* y, const uint16_t* weight,
                                       float* sum, uint16_t* out, const RmsNormArguments& a,
                                       int64_t first, int64_t last) {
  all_rows_of_sum(x, y, weight, sum, out, a, first, last);
}

}  // namespace llm2clip
