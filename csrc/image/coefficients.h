#pragma once

#include <cstdint>
#include <vector>

namespace llm2clip {

// One axis of a resize, of which only `count` outputs from `first` on are wanted.
struct ResizeAxis {
  int64_t input, output;  // lengths, in pixels
  int64_t first, count;   // window of the output
};

// Which inputs each output of the window is made of, and how much of each.
struct Coefficients {
  struct Taps {
    int64_t first;  // input of the first tap
    int count;
  };

  static constexpr int kFractionBits = 22;  // Pillow's: 32 less 8 of the pixel, sign and headroom

  std::vector<Taps> taps;        // [outputs]
  std::vector<int32_t> weights;  // [outputs, stride], fixed point, zero past an output's taps
  int stride;

  const int32_t* of(int64_t output) const { return weights.data() + output * stride; }
};

// Pillow's, by its names. All but nearest are stretched over the inputs that one output covers when
// the axis shrinks.
enum class Filter { kNearest, kBox, kBilinear, kHamming, kBicubic, kLanczos };

// The arithmetic is Pillow's in its order: it decides the last bit.
Coefficients coefficients(const ResizeAxis& axis, Filter filter);

}  // namespace llm2clip
