#pragma once

#include <bit>
#include <cstdint>

namespace llm2clip {

// Loads and stores elements as float, whatever the storage type. Written so that compilers
// vectorise the loops.
inline float load(const float* x, int64_t i) { return x[i]; }
inline float load(const uint16_t* x, int64_t i) {
  return std::bit_cast<float>(static_cast<uint32_t>(x[i]) << 16);
}

inline void store(float* x, int64_t i, float value) { x[i] = value; }
inline void store(uint16_t* x, int64_t i, float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  x[i] = static_cast<uint16_t>(value == value ? rounded : 0x7fc0U);  // NaN might round to zero
}

}  // namespace llm2clip
