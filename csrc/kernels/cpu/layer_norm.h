#pragma once

#include <cstdint>

namespace llm2clip {

// LayerNorm over rows [rows, width], statistics in f32.
struct LayerNormArguments {
  int64_t width;
  double eps;
};

// The reference, in double; rows first to last − 1.
void layer_norm_plain(const float* x, const float* weight, const float* bias, float* out,
                      const LayerNormArguments& a, int64_t first, int64_t last);

// The same, fast. T: float, or uint16_t for bf16; weight and bias [width] likewise. X: float or T.
template <typename X, typename T>
void layer_norm_rows(const X* x, const T* weight, const T* bias, T* out,
                     const LayerNormArguments& a, int64_t first, int64_t last);

// The next step of a residual stream, which stays in f32: sum = x + y, out = LayerNorm(sum).
// `sum` may be `x`.
template <typename T>
void add_layer_norm_rows(const float* x, const T* y, const T* weight, const T* bias, float* sum,
                         T* out, const LayerNormArguments& a, int64_t first, int64_t last);

}  // namespace llm2clip
