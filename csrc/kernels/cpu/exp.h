#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace llm2clip {

// x, its magnitude at most `most`. In integers: of floats' min and max g++ makes branches, and code
// for each case.
inline float clamped(float x, float most) {
  constexpr uint32_t kSign = 0x80000000U;
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t magnitude = std::min(bits & ~kSign, std::bit_cast<uint32_t>(most));
  return std::bit_cast<float>(magnitude | (bits & kSign));
}

// e^x to 2 ulp for |x| ≤ 87, clamped beyond, in a form that compilers vectorise: e^x = 2^n · e^r
// with |r| ≤ ln 2 / 2, ln 2 split in two so that r is exact (Cody and Waite), e^r by its Taylor
// series. NaN is taken for a number.
inline float vector_exp(float x) {
  x = clamped(x, 87.0F);
  const float shifted = x * 1.44269504F + 12582912.0F;  // 1.5 · 2^23: rounds to an integer
  const float n = shifted - 12582912.0F;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.0F / 5040;
  p = p * r + 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const uint32_t scale = (std::bit_cast<uint32_t>(shifted) + 127U - 0x4B400000U) << 23;
  return p * std::bit_cast<float>(scale);
}

}  // namespace llm2clip
