#pragma once

#include <cstdint>

namespace llm2clip {

// x / √(mean of x² + eps) · weight over rows [rows, width], with statistics in f32.
struct RmsNormArguments {
  int64_t width;
  double eps;
};

// The plain reference, in double, for rows first to last − 1.
void rms_norm_plain(const float* x, const float* weight, float* out, const RmsNormArguments& a,
                    int64_t first, int64_t last);

// The fast kernel, for a residual stream in f32. T: float, or uint16_t for bf16. weight [width] has
// type T.
template <typename T>
void rms_norm_rows(const float* x, const T* weight, T* out, const RmsNormArguments& a,
                   int64_t first, int64_t last);

// Adds to the residual stream and normalises it: sum = x + y, out = RMSNorm(sum). `sum` may be `x`.
template <typename T>
void add_rms_norm_rows(const float* x, const T* y, const T* weight, float* sum, T* out,
                       const RmsNormArguments& a, int64_t first, int64_t last);

}  // namespace llm2clip
