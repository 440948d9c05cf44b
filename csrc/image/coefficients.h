#pragma once

#include <cstdint>
#include <vector>

namespace llm2clip {

// One axis of a resize. Only `count` outputs, starting at `first`, are computed.
struct ResizeAxis {
  int64_t input, output;  // lengths, in pixels
  int64_t first, count;   // the window of outputs
};

// The inputs that each output of the window depends on, with their weights.
struct Coefficients {
  struct Taps {
    int64_t first;  // index of the first input
    int count;
  };

  static constexpr int kFractionBits = 22;  // as in Pillow: 32 − 8 (pixel) − sign and headroom

  std::vector<Taps> taps;        // [outputs]
  std::vector<int32_t> weights;  // [outputs, stride], fixed point; zero after an output's taps
  int stride;

  const int32_t* of(int64_t output) const { return weights.data() + output * stride; }
};

// Pillow's filters, under Pillow's names. When the axis shrinks, all filters except nearest widen
// to cover the inputs of one output.
enum class Filter { kNearest, kBox, kBilinear, kHamming, kBicubic, kLanczos };

// Follows Pillow's arithmetic in Pillow's order, because the order decides the last bit.
Coefficients coefficients(const ResizeAxis& axis, Filter filter);

}  // namespace llm2clip
