#include <cmath>

#include "kernels/cpu/layer_norm.h"

namespace llm2clip {

void layer_norm_plain(const float* x, const float* weight, const float* bias, float* out,
                      const LayerNormArguments& a, int64_t first, int64_t last) {
  const auto n = static_cast<double>(a.width);
  for (int64_t row = first; row < last; ++row) {
    const float* from = x + row * a.width;
    float* to = out + row * a.width;
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < a.width; ++i) mean += from[i] / n;
    for (int64_t i = 0; i < a.width; ++i) variance += (from[i] - mean) * (from[i] - mean) / n;
    for (int64_t i = 0; i < a.width; ++i) {
      const double normal = (from[i] - mean) / std::sqrt(variance + a.eps);
      to[i] = static_cast<float>(normal * weight[i] + bias[i]);
    }
  }
}

}  // namespace llm2clip
