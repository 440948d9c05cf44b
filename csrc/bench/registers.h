#pragma once

#include <immintrin.h>

#include <cstdint>

namespace llm2clip {

// Keeps 24 independent sums, like the kernels' tiles, and accesses no memory. `Product` provides
// the type of a register, zero() and add().
template <typename Product>
double multiply_in_registers(int64_t repeats, double operations_an_instruction) {
  typename Product::Sums sums[24];
#pragma GCC unroll 24
  for (int r = 0; r < 24; ++r) {
    sums[r] = Product::zero();
    asm volatile("" : "+v"(sums[r]));  // otherwise all sums are the same
  }
  __m512i a = _mm512_set1_epi32(0x3f803f80), b = a;  // 1 in both f32 and bf16
  for (int64_t i = 0; i < repeats; ++i) {
    asm volatile("" : "+v"(a), "+v"(b));
#pragma GCC unroll 24
    for (int r = 0; r < 24; ++r) sums[r] = Product::add(sums[r], a, b);
  }
#pragma GCC unroll 24
  for (int r = 0; r < 24; ++r) asm volatile("" : : "v"(sums[r]));
  return static_cast<double>(repeats) * 24 * operations_an_instruction;
}

}  // namespace llm2clip
