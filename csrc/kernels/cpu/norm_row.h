#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/cpu/bf16.h"

namespace llm2clip {

// Independent partial sums. The compiler may not reorder float additions by itself.
constexpr int64_t kPartialSums = 64;

// The sum of f(0) to f(n − 1) in f32, in a form that compilers vectorise.
template <typename F>
inline float sum_of(int64_t n, const F& f) {
  float sums[kPartialSums] = {};
  int64_t i = 0;
  for (; i + kPartialSums <= n; i += kPartialSums) {
    for (int64_t j = 0; j < kPartialSums; ++j) sums[j] += f(i + j);
  }
  for (int64_t j = 0; i + j < n; ++j) sums[j] += f(i + j);
  for (int64_t half = kPartialSums / 2; half > 0; half /= 2) {
    for (int64_t j = 0; j < half; ++j) sums[j] += sums[j + half];
  }
  return sums[0];
}

// T: float, or uint16_t for bf16.
template <typename T>
inline float mean_of(const T* x, int64_t n) {
  return sum_of(n, [x](int64_t i) { return load(x, i); }) / static_cast<float>(n);
}

template <typename T>
inline float variance_of(const T* x, int64_t n, float mean) {
  const auto square = [x, mean](int64_t i) { return (load(x, i) - mean) * (load(x, i) - mean); };
  return sum_of(n, square) / static_cast<float>(n);
}

// LayerNorm of one row [n], shared by both norms. X: float or T.
template <typename X, typename T>
inline void norm_row(const X* x, const T* weight, const T* bias, T* out, int64_t n, double eps) {
  const float mean = mean_of(x, n);
  const float scale = 1.0F / std::sqrt(variance_of(x, n, mean) + static_cast<float>(eps));
  for (int64_t i = 0; i < n; ++i) {
    store(out, i, (load(x, i) - mean) * scale * load(weight, i) + load(bias, i));
  }
}

}  // namespace llm2clip
