#include <immintrin.h>

#include "bench/limits.h"

namespace llm2clip {
namespace {

constexpr int kSums = 12;  // as many as the kernels' tiles hold

struct Fp32Product {
  using Sums = __m256;
  static Sums zero() { return _mm256_setzero_ps(); }
  static Sums add(Sums sums, __m256i a, __m256i b) {
    return _mm256_fmadd_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), sums);
  }
};

struct Int16Product {
  using Sums = __m256i;
  static Sums zero() { return _mm256_setzero_si256(); }
  static Sums add(Sums sums, __m256i a, __m256i b) {
    return _mm256_add_epi32(sums, _mm256_madd_epi16(a, b));
  }
};

// The same as registers.h does with 24 registers.
template <typename Product>
double multiply(int64_t repeats, double operations_an_instruction) {
  typename Product::Sums sums[kSums];
#pragma GCC unroll 12
  for (int r = 0; r < kSums; ++r) {
    sums[r] = Product::zero();
    asm volatile("" : "+x"(sums[r]));  // keeps the compiler from merging the registers
  }
  __m256i a = _mm256_set1_epi32(0x3f803f80), b = a;
  for (int64_t i = 0; i < repeats; ++i) {
#pragma GCC unroll 12
    for (int r = 0; r < kSums; ++r) {
      asm volatile("" : "+x"(a), "+x"(b));  // keeps the compiler from merging the products
      sums[r] = Product::add(sums[r], a, b);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kSums; ++r) asm volatile("" : : "x"(sums[r]));
  return static_cast<double>(repeats) * kSums * operations_an_instruction;
}

}  // namespace

double multiply_in_registers_avx2(int64_t repeats) { return multiply<Fp32Product>(repeats, 16); }

double multiply_int16_in_registers_avx2(int64_t repeats) {
  return multiply<Int16Product>(repeats, 32);
}

}  // namespace llm2clip
