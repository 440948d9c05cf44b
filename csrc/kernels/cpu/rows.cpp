#include "kernels/cpu/rows.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/norm_row.h"

namespace llm2clip {
namespace {

template <typename X, typename Y>
inline void add_all(const X* x, const Y* y, float* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = load(x, i) + load(y, i);
}

template <typename X, typename Out>
inline void convert_all(const X* x, Out* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) store(out, i, load(x, i));
}

template <typename X>
inline void mean_of_all(const X* x, float* out, int64_t rows, int64_t width) {
  std::fill_n(out, width, 0.0F);
  for (int64_t row = 0; row < rows; ++row) add_all(out, x + row * width, out, width);
  const float count = static_cast<float>(rows);
  for (int64_t i = 0; i < width; ++i) out[i] /= count;
}

template <typename X, typename Out>
inline void normalize_all(const X* x, Out* out, int64_t width, int64_t first, int64_t last) {
  for (int64_t row = first; row < last; ++row) {
    const X* from = x + row * width;
    const float square = sum_of(width, [from](int64_t i) { return load(from, i) * load(from, i); });
    const float length = std::max(std::sqrt(square), 1e-12F);
    for (int64_t i = 0; i < width; ++i) store(out + row * width, i, load(from, i) / length);
  }
}

}  // namespace

template <>
LLM2CLIP_CLONES void add_numbers(const float* x, const float* y, float* out, int64_t count) {
  add_all(x, y, out, count);
}

template <>
LLM2CLIP_CLONES void add_numbers(const float* x, const uint16_t* y, float* out, int64_t count) {
  add_all(x, y, out, count);
}

template <>
LLM2CLIP_CLONES void add_numbers(const uint16_t* x, const float* y, float* out, int64_t count) {
  add_all(x, y, out, count);
}

template <>
LLM2CLIP_CLONES void add_numbers(const uint16_t* x, const uint16_t* y, float* out, int64_t count) {
  add_all(x, y, out, count);
}

template <>
LLM2CLIP_CLONES void convert_numbers(const float* x, float* out, int64_t count) {
  std::copy_n(x, count, out);
}

template <>
LLM2CLIP_CLONES void convert_numbers(const float* x, uint16_t* out, int64_t count) {
  convert_all(x, out, count);
}

template <>
LLM2CLIP_CLONES void convert_numbers(const uint16_t* x, float* out, int64_t count) {
  convert_all(x, out, count);
}

template <>
LLM2CLIP_CLONES void convert_numbers(const uint16_t* x, uint16_t* out, int64_t count) {
  std::copy_n(x, count, out);
}

template <>
LLM2CLIP_CLONES void mean_of_rows(const float* x, float* out, int64_t rows, int64_t width) {
  mean_of_all(x, out, rows, width);
}

template <>
LLM2CLIP_CLONES void mean_of_rows(const uint16_t* x, float* out, int64_t rows, int64_t width) {
  mean_of_all(x, out, rows, width);
}

template <>
LLM2CLIP_CLONES void l2_normalize_rows(const float* x, float* out, int64_t width, int64_t first,
                                       int64_t last) {
  normalize_all(x, out, width, first, last);
}

template <>
LLM2CLIP_CLONES void l2_normalize_rows(const float* x, uint16_t* out, int64_t width, int64_t first,
                                       int64_t last) {
  normalize_all(x, out, width, first, last);
}

template <>
LLM2CLIP_CLONES void l2_normalize_rows(const uint16_t* x, float* out, int64_t width, int64_t first,
                                       int64_t last) {
  normalize_all(x, out, width, first, last);
}

template <>
LLM2CLIP_CLONES void l2_normalize_rows(const uint16_t* x, uint16_t* out, int64_t width,
                                       int64_t first, int64_t last) {
  normalize_all(x, out, width, first, last);
}

}  // namespace llm2clip
