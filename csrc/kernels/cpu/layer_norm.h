#pragma once

#include <cstdint>

namespace llm2clip {

// LayerNorm over rows [rows, width], with statistics in f32.
struct LayerNormArguments {
  int64_t width;
  double eps;
};

// The plain reference, in double, for rows first to last − 1.
void layer_norm_plain(const float* x, const float* weight, const float* bias, float* out,
                      const LayerNormArguments& a, int64_t first, int64_t last);

// The fast kernel. T: float, or uint16_t for bf16. weight and bias [width] have type T. X: float or
// T.
template <typename X, typename T>
void layer_norm_rows(const X* x, const T* weight, const T* bias, T* out,
                     const LayerNormArguments& a, int64_t first, int64_t last);

// Adds to a residual stream in f32 and normalises it: sum = x + y, out = LayerNorm(sum). `sum` may
// be `x`.
template <typename T>
void add_layer_norm_rows(const float* x, const T* y, const T* weight, const T* bias, float* sum,
                         T* out, const LayerNormArguments& a, int64_t first, int64_t last);

}  // namespace llm2clip
