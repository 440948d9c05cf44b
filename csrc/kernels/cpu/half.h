#pragma once

#include <bit>
#include <cstdint>

namespace llm2clip {

// Widens an f16 number, given as its bits. Written so that compilers vectorise loops over it.
inline float half_to_float(uint16_t half) {
  // As an f32 number, the bits of the exponent and of the fraction stand for 2⁻¹¹² of the value.
  // This holds for subnormal numbers, too.
  constexpr float kRebias = 0x1p112F, kInfinity = 65536;
  const float magnitude = std::bit_cast<float>((half & 0x7fffU) << 13) * kRebias;
  const uint32_t sign = (half & 0x8000U) << 16;
  const uint32_t exponent = magnitude >= kInfinity ? 0x7f800000U : 0U;  // infinity or NaN
  return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | exponent | sign);
}

}  // namespace llm2clip
