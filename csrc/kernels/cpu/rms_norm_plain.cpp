#include <cmath>

#include "kernels/cpu/rms_norm.h"

namespace llm2clip {

void rms_norm_plain(const float* x, const float* weight, float* out, const RmsNormArguments& a,
                    int64_t first, int64_t last) {
  for (int64_t row = first; row < last; ++row) {
    const float* from = x + row * a.width;
    double square = 0;
    for (int64_t i = 0; i < a.width; ++i) square += static_cast<double>(from[i]) * from[i];
    const double scale = 1 / std::sqrt(square / static_cast<double>(a.width) + a.eps);
    for (int64_t i = 0; i < a.width; ++i) {
      out[row * a.width + i] = static_cast<float>(from[i] * scale * weight[i]);
    }
  }
}

}  // namespace llm2clip
