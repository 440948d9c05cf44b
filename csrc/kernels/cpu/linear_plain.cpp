#include "kernels/cpu/linear.h"

namespace llm2clip {

void linear_plain(const float* x, const float* weight, const float* bias, float* out,
                  const LinearArguments& a) {
  for (int64_t row = 0; row < a.rows; ++row) {
    for (int64_t column = 0; column < a.out; ++column) {
      double sum = bias == nullptr ? 0.0 : bias[column];
      for (int64_t i = 0; i < a.in; ++i) {
        sum += static_cast<double>(x[row * a.in + i]) * weight[column * a.in + i];
      }
      out[row * a.out + column] = static_cast<float>(sum);
    }
  }
}

}  // namespace llm2clip
