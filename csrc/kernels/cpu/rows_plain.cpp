#include <algorithm>
#include <cmath>

#include "kernels/cpu/rows.h"

namespace llm2clip {

void mean_of_rows_plain(const float* x, float* out, int64_t rows, int64_t width) {
  for (int64_t i = 0; i < width; ++i) {
    double sum = 0;
    for (int64_t row = 0; row < rows; ++row) sum += x[row * width + i];
    out[i] = static_cast<float>(sum / static_cast<double>(rows));
  }
}

void l2_normalize_plain(const float* x, float* out, int64_t width, int64_t first, int64_t last) {
  for (int64_t i = first * width; i < last * width; i += width) {
    double square = 0;
    for (int64_t j = i; j < i + width; ++j) square += static_cast<double>(x[j]) * x[j];
    const double length = std::max(std::sqrt(square), 1e-12);
    for (int64_t j = i; j < i + width; ++j) out[j] = static_cast<float>(x[j] / length);
  }
}

}  // namespace llm2clip
