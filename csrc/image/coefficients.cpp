#include "image/coefficients.h"

#include <algorithm>
#include <cmath>

namespace llm2clip {
namespace {

constexpr double kA = -0.5;
constexpr double kSupport = 2;

double bicubic(double x) {
  x = std::abs(x);
  if (x < 1) return ((kA + 2) * x - (kA + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0;
}

int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << Coefficients::kFractionBits);
  return static_cast<int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

// The filter's place over the inputs of one output.
struct Placement {
  double centre;
  double support;
  double shrink;  // inputs an output covers, at least 1
};

Coefficients::Taps taps_of(const Placement& at, int64_t inputs) {
  const auto first = std::max<int64_t>(static_cast<int64_t>(at.centre - at.support + 0.5), 0);
  const auto end = std::min(static_cast<int64_t>(at.centre + at.support + 0.5), inputs);
  return {first, static_cast<int>(end - first)};
}

void weigh(const Placement& at, const Coefficients::Taps& taps, std::vector<double>& weights) {
  const double step = 1 / at.shrink;
  double total = 0;
  for (int i = 0; i < taps.count; ++i) {
    weights[i] = bicubic((static_cast<double>(i + taps.first) - at.centre + 0.5) * step);
    total += weights[i];
  }
  if (total == 0) return;
  for (int i = 0; i < taps.count; ++i) weights[i] /= total;
}

}  // namespace

Coefficients bicubic_coefficients(const ResizeAxis& axis) {
  // Pillow holds the input's length in a float.
  const double scale =
      static_cast<double>(static_cast<float>(axis.input)) / static_cast<double>(axis.output);
  const double shrink = std::max(scale, 1.0);
  const double support = kSupport * shrink;
  const int stride = static_cast<int>(std::ceil(support)) * 2 + 1;

  Coefficients result{.taps = {}, .weights = {}, .stride = stride};
  result.taps.reserve(axis.count);
  result.weights.resize(axis.count * stride);
  std::vector<double> exact(stride);
  for (int64_t i = 0; i < axis.count; ++i) {
    const Placement at{(static_cast<double>(axis.first + i) + 0.5) * scale, support, shrink};
    const auto& taps = result.taps.emplace_back(taps_of(at, axis.input));
    weigh(at, taps, exact);
    std::transform(exact.begin(), exact.begin() + taps.count, result.weights.begin() + i * stride,
                   to_fixed);
  }
  return result;
}

}  // namespace llm2clip
