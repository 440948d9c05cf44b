#pragma once

#include <cstdint>

namespace llm2clip::cpu {

// Tensors in a file and values in memory begin at multiples of this, in bytes, as kernels need it.
constexpr uint64_t kAlignment = 64;

constexpr uint64_t aligned(uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace llm2clip::cpu
