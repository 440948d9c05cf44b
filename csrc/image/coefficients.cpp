#include "image/coefficients.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace llm2clip {
namespace {

// A filter's weight at a distance from its centre, and the distance beyond which it is zero.
struct Kernel {
  double (*weight)(double x);
  double support;
};

double box(double x) { return x > -0.5 && x <= 0.5 ? 1 : 0; }

double bilinear(double x) { return std::max(1 - std::abs(x), 0.0); }

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

// Pillow's constants are floats, too. Sine and cosine of the same angle are computed in one
// expression: compilers merge them into one sincos call, whose last bit may differ from separate
// calls.
double hamming(double x) {
  x = std::abs(x);
  if (x == 0) return 1;
  if (x >= 1) return 0;
  x *= std::numbers::pi;
  return std::sin(x) / x * (double{0.54F} + double{0.46F} * std::cos(x));
}

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double lanczos(double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

// Indexed by Filter. The nearest filter has no kernel.
constexpr Kernel kKernels[] = {{nullptr, 0}, {box, 0.5},   {bilinear, 1},
                               {hamming, 1}, {bicubic, 2}, {lanczos, 3}};

int32_t to_fixed(double weight) {
  const double scaled = weight * (1 << Coefficients::kFractionBits);
  return static_cast<int32_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

// Where the filter lies over the inputs of one output.
struct Placement {
  double centre;
  double support;
  double shrink;  // inputs per output, at least 1
};

Coefficients::Taps taps_of(const Placement& at, int64_t inputs) {
  const auto first = std::max<int64_t>(static_cast<int64_t>(at.centre - at.support + 0.5), 0);
  const auto end = std::min(static_cast<int64_t>(at.centre + at.support + 0.5), inputs);
  return {first, static_cast<int>(end - first)};
}

void weigh(const Placement& at, const Coefficients::Taps& taps, double (*weight)(double),
           std::vector<double>& weights) {
  const double step = 1 / at.shrink;
  double total = 0;
  for (int i = 0; i < taps.count; ++i) {
    weights[i] = weight((static_cast<double>(i + taps.first) - at.centre + 0.5) * step);
    total += weights[i];
  }
  if (total == 0) return;
  for (int i = 0; i < taps.count; ++i) weights[i] /= total;
}

// Pillow stores the input's length as a float.
double scale_of(const ResizeAxis& axis) {
  return static_cast<double>(static_cast<float>(axis.input)) / static_cast<double>(axis.output);
}

// Pillow computes positions by adding the scale once per output, and each addition rounds. Outputs
// beyond this limit are positioned by one multiplication instead. No image that Pillow can hold in
// memory has so many.
constexpr int64_t kAddedUp = 1 << 24;

// Each output takes exactly one input.
Coefficients nearest(const ResizeAxis& axis) {
  const double scale = scale_of(axis);
  Coefficients result{.taps = {}, .weights = {}, .stride = 1};
  result.taps.reserve(axis.count);
  result.weights.resize(axis.count, 1 << Coefficients::kFractionBits);
  const int64_t begin = axis.first < kAddedUp ? 0 : axis.first;
  double at = scale * 0.5 + static_cast<double>(begin) * scale;
  for (int64_t i = begin; i < axis.first + axis.count; ++i, at += scale) {
    if (i < axis.first) continue;
    result.taps.push_back({std::min(static_cast<int64_t>(at), axis.input - 1), 1});
  }
  return result;
}

}  // namespace

Coefficients coefficients(const ResizeAxis& axis, Filter filter) {
  if (filter == Filter::kNearest) return nearest(axis);
  const Kernel& kernel = kKernels[static_cast<size_t>(filter)];
  const double scale = scale_of(axis);
  const double shrink = std::max(scale, 1.0);
  const double support = kernel.support * shrink;
  const int stride = static_cast<int>(std::ceil(support)) * 2 + 1;

  Coefficients result{.taps = {}, .weights = {}, .stride = stride};
  result.taps.reserve(axis.count);
  result.weights.resize(axis.count * stride);
  std::vector<double> exact(stride);
  for (int64_t i = 0; i < axis.count; ++i) {
    const Placement at{(static_cast<double>(axis.first + i) + 0.5) * scale, support, shrink};
    const auto& taps = result.taps.emplace_back(taps_of(at, axis.input));
    weigh(at, taps, kernel.weight, exact);
    std::transform(exact.begin(), exact.begin() + taps.count, result.weights.begin() + i * stride,
                   to_fixed);
  }
  return result;
}

}  // namespace llm2clip
