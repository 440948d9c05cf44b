#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/cpu/exp.h"
#include "kernels/cpu/norm_row.h"

namespace llm2clip {

// Replaces n scores by the weights of their softmax, before the division by their sum, which is
// returned. In a form that compilers vectorise. If a score is NaN, so is the sum.
inline float raise_row(float* scores, int64_t n) {
  constexpr int64_t kLanes = 16;
  float most[kLanes];
  std::fill_n(most, kLanes, -INFINITY);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      most[j] = scores[i + j] > most[j] ? scores[i + j] : most[j];
    }
  }
  for (; i < n; ++i) most[0] = std::max(most[0], scores[i]);
  const float largest = *std::max_element(most, most + kLanes);
  for (i = 0; i < n; ++i) {
    const float below = scores[i] - largest;
    const float power = vector_exp(below);
    scores[i] = below == below ? power : below;  // vector_exp() does not keep NaN
  }
  return sum_of(n, [scores](int64_t j) { return scores[j]; });
}

}  // namespace llm2clip
