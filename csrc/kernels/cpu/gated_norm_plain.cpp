#include <cmath>
#include <vector>

#include "kernels/cpu/gated_norm.h"

namespace llm2clip {

void gated_norm_plain(const float* gate_up, const float* weight, const float* bias, float* out,
                      const GatedNormArguments& a, int64_t first, int64_t last) {
  const auto n = static_cast<double>(a.hidden);
  std::vector<double> x(static_cast<size_t>(a.hidden));
  for (int64_t row = first; row < last; ++row) {
    const float* gate = gate_up + row * 2 * a.hidden;
    const float* up = gate + a.hidden;
    float* to = out + row * a.hidden;
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < a.hidden; ++i) {
      x[i] = gate[i] / (1.0 + std::exp(-static_cast<double>(gate[i]))) * up[i];
      mean += x[i] / n;
    }
    for (const double value : x) variance += (value - mean) * (value - mean) / n;
    for (int64_t i = 0; i < a.hidden; ++i) {
      const double normal = (x[i] - mean) / std::sqrt(variance + a.eps);
      to[i] = static_cast<float>(normal * weight[i] + bias[i]);
    }
  }
}

}  // namespace llm2clip
