#include "ops/int8_calibration.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/float_convert.h"
#include "ops/int8_rounding.h"
#include "ops/linear.h"

namespace llm2clip {
namespace {

// A smoothing must reduce the error by this fraction to be worth its multiplication.
constexpr double kLeastGain = 0.1;
constexpr float kLeastMagnitude = 1e-5F;

using Numbers = std::vector<float>;

double cosine(const Numbers& a, const Numbers& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

// x [rows, in] · weightᵀ
Numbers multiply(Workers& workers, const Numbers& x, const Numbers& weight, int64_t in) {
  const auto rows = static_cast<int64_t>(x.size()) / in;
  const auto out = static_cast<int64_t>(weight.size()) / in;
  const int64_t panels = linear_panels(out);
  Scratch packed, room;
  std::byte* const to = packed.of(static_cast<size_t>(panels * panel_bytes(WeightType::kF32, in)));
  pack_panels(WeightType::kF32, weight.data(), to, out, in, 0, panels);
  const LinearWeight layer{.type = WeightType::kF32, .panels = to, .out = out, .in = in};
  Numbers result(static_cast<size_t>(rows * out));
  linear(workers, layer, {x.data(), Element::kF32, rows, in},
         {result.data(), Element::kF32, rows, out}, room.of(linear_room(layer, rows)));
  return result;
}

// Multiplies or divides each row by factors [in].
template <typename Operation>
void for_channels(std::span<float> matrix, std::span<const float> factors, Operation operation) {
  for (size_t i = 0; i < matrix.size(); ++i) {
    matrix[i] = operation(matrix[i], factors[i % factors.size()]);
  }
}

// The recorded tokens, [n, in]. Rows that no call has filled are zeros.
Numbers samples_of(std::span<const float> observation, int64_t in) {
  const auto width = static_cast<size_t>(in);
  Numbers samples;
  for (size_t begin = 2 * width; begin < observation.size(); begin += width) {
    const auto row = observation.subspan(begin, width);
    if (max_magnitude(row.data(), width) != 0)
      samples.insert(samples.end(), row.begin(), row.end());
  }
  return samples;
}

// The largest magnitude of each channel of a weight [out, in].
Numbers channel_maxima(std::span<const float> weight, int64_t in) {
  Numbers maxima(static_cast<size_t>(in));
  for (size_t i = 0; i < weight.size(); ++i) {
    float& most = maxima[i % maxima.size()];
    most = std::max(most, std::abs(weight[i]));
  }
  return maxima;
}

Numbers smoothing_of(std::span<const float> inputs, std::span<const float> weights,
                     double strength) {
  Numbers smoothing;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const double input = std::max(inputs[i], kLeastMagnitude);
    const double weight = std::max(weights[i], kLeastMagnitude);
    smoothing.push_back(
        static_cast<float>(std::pow(input, strength) / std::pow(weight, 1 - strength)));
  }
  return smoothing;
}

}  // namespace

void record_input(std::span<float> observation, std::span<const float> x, int64_t in) {
  const auto width = static_cast<size_t>(in);
  for (size_t i = 0; i < x.size(); ++i) {
    observation[i % width] = std::max(observation[i % width], std::abs(x[i]));
  }
  const auto rows = static_cast<int64_t>(x.size()) / in;
  const auto call = static_cast<int64_t>(observation[width]);
  const int64_t count = std::min(rows, kSamplesPerCall);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t slot = 2 + (call * kSamplesPerCall + i) % kSamples;
    // Rows are spread over the image, with an offset per call, so that the class token is sampled
    // once in eight calls.
    const int64_t row = (i * rows / count + call) % rows;
    std::ranges::copy(x.subspan(static_cast<size_t>(row) * width, width),
                      observation.begin() + slot * in);
  }
  observation[width] = static_cast<float>(call + 1);
}

void round_input_as_int8(std::span<float> x, std::span<const float> smoothing) {
  for_channels(x, smoothing, std::divides<float>());
  round_rows_as_int8(x, static_cast<int64_t>(smoothing.size()));
  for_channels(x, smoothing, std::multiplies<float>());
}

void round_weight_as_int8(std::span<float> weight, std::span<const float> smoothing) {
  for_channels(weight, smoothing, std::multiplies<float>());
  round_rows_as_int8(weight, static_cast<int64_t>(smoothing.size()));
  for_channels(weight, smoothing, std::divides<float>());
}

Int8Effect int8_effect(Workers& workers, std::span<const float> observation,
                       std::span<const float> weight, int64_t in) {
  const Numbers x = samples_of(observation, in), whole(weight.begin(), weight.end());
  const Numbers expected = multiply(workers, x, whole, in);
  const auto cosine_with = [&](const Numbers& smoothing) {
    Numbers rounded_x = x, rounded_weight = whole;
    round_input_as_int8(rounded_x, smoothing);
    round_weight_as_int8(rounded_weight, smoothing);
    return cosine(multiply(workers, rounded_x, rounded_weight, in), expected);
  };
  Int8Effect best{cosine_with(Numbers(static_cast<size_t>(in), 1.0F)), {}};
  const auto inputs = observation.first(static_cast<size_t>(in));
  const Numbers weights = channel_maxima(weight, in);
  for (const double strength : {0.25, 0.5, 0.75}) {
    const Numbers smoothing = smoothing_of(inputs, weights, strength);
    const double found = cosine_with(smoothing);
    if (1 - found < (1 - best.cosine) * (1 - kLeastGain)) best = {found, smoothing};
  }
  return best;
}

}  // namespace llm2clip
