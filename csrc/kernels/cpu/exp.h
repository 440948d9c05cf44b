#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace llm2clip {

// Limits the magnitude of x to `most`. Uses integer operations, because g++ compiles float min and
// max to branches.
inline float clamped(float x, float most) {
  constexpr uint32_t kSign = 0x80000000U;
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t magnitude = std::min(bits & ~kSign, std::bit_cast<uint32_t>(most));
  return std::bit_cast<float>(magnitude | (bits & kSign));
}

// e^x to 2 ulp for |x| ≤ 87, and clamped outside, in a form that compilers vectorise. It computes
// e^x = 2^n · e^r with |r| ≤ ln 2 / 2. ln 2 is split in two so that r is exact (Cody and Waite).
// e^r is its Taylor series. NaN is treated as a number.
inline float vector_exp(float x) {
  x = clamped(x, 87.0F);
  const float shifted = x * 1.44269504F + 12582912.0F;  // 1.5 · 2^23 rounds it to an integer
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
