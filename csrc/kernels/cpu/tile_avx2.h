#pragma once

#include <immintrin.h>

#include <array>
#include <cstring>
#include <utility>

#include "kernels/cpu/tile.h"

namespace llm2clip {

// One loop for all tiles in 256-bit registers, as tile_avx512.h has one for 512-bit registers. A
// Product states the types of the numbers (Number by Stored, kGroup of each at a time), the type of
// a register of eight sums, how the weights of eight outputs are loaded, and the instructions that
// add to the sums. A Product and all functions made from it are local to their file. The registers
// hold 12 sums, two parts of b, one of a and one product.
template <typename Product, int Rows>
static void multiply_strip(const StripTile<Product>& t) {
  constexpr int64_t kGroup = Product::kGroup, kHalf = kStripColumns / 2;
  typename Product::Sums sum[Rows][2];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) sum[r][0] = sum[r][1] = Product::zero();
  const auto* b = t.b;
  const auto* a = t.a;
  for (int64_t i = 0; i < t.groups; ++i, a += kGroup, b += kStripColumns * kGroup) {
    const __m256i low = Product::read(b), high = Product::read(b + kHalf * kGroup);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      int group;
      std::memcpy(&group, a + r * t.a_stride, sizeof(group));
      const __m256i x = _mm256_set1_epi32(group);
      sum[r][0] = Product::add(sum[r][0], x, low);
      sum[r][1] = Product::add(sum[r][1], x, high);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    Product::store(t.c + r * t.c_stride, sum[r][0]);
    Product::store(t.c + r * t.c_stride + kHalf, sum[r][1]);
  }
}

template <typename Product>
static void multiply_strip_of_any_size(const StripTile<Product>& tile) {
  using Multiply = void (*)(const StripTile<Product>&);
  static constexpr auto by_rows = []<int... Rows>(std::integer_sequence<int, Rows...>) {
    return std::array<Multiply, sizeof...(Rows)>{multiply_strip<Product, Rows + 1>...};
  }(std::make_integer_sequence<int, kTileRows>());
  by_rows[tile.rows - 1](tile);
}

// One f32 step of the depth.
struct Fp32Product {
  using Number = float;
  using Stored = float;
  using Sum = float;
  using Sums = __m256;
  static constexpr int64_t kGroup = 1;
  static Sums zero() { return _mm256_setzero_ps(); }
  static __m256i read(const float* b) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(b));
  }
  static Sums add(Sums sums, __m256i a, __m256i b) {
    return _mm256_fmadd_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), sums);
  }
  static void store(float* to, Sums sums) { _mm256_storeu_ps(to, sums); }
};

// Registers of eight int32 sums.
struct Int32Sums256 {
  using Sum = int32_t;
  using Sums = __m256i;
  static Sums zero() { return _mm256_setzero_si256(); }
  static void store(int32_t* to, Sums sums) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), sums);
  }
};

// Two int16 steps of the depth, which one instruction adds up.
struct Int16Pairs : Int32Sums256 {
  using Number = int16_t;
  using Stored = int16_t;
  static constexpr int64_t kGroup = 2;
  static __m256i read(const int16_t* b) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(b));
  }
};

// Four int8 steps of the depth, which VNNI adds up in one instruction.
struct Int8Fours : Int32Sums256 {
  using Number = uint8_t;
  using Stored = int8_t;
  static constexpr int64_t kGroup = 4;
  static __m256i read(const int8_t* b) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(b));
  }
};

// Multiplies with AVX2.
struct Int16Product : Int16Pairs {
  static Sums add(Sums sums, __m256i a, __m256i b) {
    return _mm256_add_epi32(sums, _mm256_madd_epi16(a, b));
  }
};

}  // namespace llm2clip
