#include <cmath>

#include "kernels/cpu/activation.h"

namespace llm2clip {

void quick_gelu_plain(const float* x, float* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    out[i] = static_cast<float>(x[i] / (1.0 + std::exp(-1.702 * x[i])));
  }
}

void gelu_plain(const float* x, float* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    out[i] = static_cast<float>(0.5 * x[i] * std::erfc(-x[i] / std::sqrt(2.0)));
  }
}

void gelu_tanh_plain(const float* x, float* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const double z = x[i];
    const double u = std::sqrt(2 / M_PI) * (z + 0.044715 * z * z * z);
    // (1 + tanh(u)) / 2 = 1 / (1 + e^−2u), which stays precise for negative u.
    out[i] = static_cast<float>(z / (1 + std::exp(-2 * u)));
  }
}

}  // namespace llm2clip
