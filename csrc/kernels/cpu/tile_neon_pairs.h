#pragma once

#include <arm_neon.h>

#include <array>
#include <utility>

#include "kernels/cpu/tile.h"

namespace llm2clip {

// One loop for the instructions that multiply 2 × 2 numbers at a time, SMMLA and BFMMLA: a register
// holds eight bytes of two rows, or eight bytes of two outputs' weights, and the sums of two rows
// by two outputs. kGroup of a Product is the number of steps in eight bytes. A Product and all
// functions made from it are local to their file. 24 of the 32 registers hold sums, three hold
// rows.
template <typename Product, int Rows>
static void multiply_strip(const StripTile<Product>& t) {
  constexpr int64_t kGroup = Product::kGroup;
  constexpr int kPairs = (Rows + 1) / 2, kRegisters = kStripColumns / 2;
  typename Product::Sums sum[kPairs][kRegisters];
#pragma GCC unroll 4
  for (int p = 0; p < kPairs; ++p) {
#pragma GCC unroll 8
    for (int v = 0; v < kRegisters; ++v) sum[p][v] = Product::zero();
  }
  const auto* a = t.a;
  const auto* b = t.b;
  const int64_t groups = t.groups, stride = t.a_stride;
  for (int64_t i = 0; i < groups; ++i, a += kGroup, b += kStripColumns * kGroup) {
    uint64x2_t x[kPairs];
#pragma GCC unroll 4
    for (int p = 0; p < kPairs; ++p) {
      const int second = 2 * p + 1 < Rows ? 2 * p + 1 : 2 * p;  // the last row is its own pair
      x[p] = vcombine_u64(Product::read_row(a + 2 * p * stride),
                          Product::read_row(a + second * stride));
    }
#pragma GCC unroll 8
    for (int v = 0; v < kRegisters; ++v) {
      const uint64x2_t weights = Product::read(b + 2 * v * kGroup);
#pragma GCC unroll 4
      for (int p = 0; p < kPairs; ++p) sum[p][v] = Product::add(sum[p][v], x[p], weights);
      // Keeps the compiler from loading all weights first, for which registers lack.
      if (v % 2 == 1) asm volatile("" ::: "memory");
    }
  }
  auto* const c = t.c;
  const int64_t c_stride = t.c_stride;
#pragma GCC unroll 4
  for (int p = 0; p < kPairs; ++p) {
#pragma GCC unroll 4
    for (int v = 0; v < kRegisters; v += 2) {
      auto* const to = c + 2 * p * c_stride + 2 * v;
      Product::store(to, Product::first_row(sum[p][v], sum[p][v + 1]));
      if (2 * p + 1 < Rows) {
        Product::store(to + c_stride, Product::second_row(sum[p][v], sum[p][v + 1]));
      }
    }
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

}  // namespace llm2clip
