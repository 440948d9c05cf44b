#pragma once

#include <arm_neon.h>

#include <array>
#include <utility>

#include "kernels/cpu/tile.h"

namespace llm2clip {

// One loop for all tiles in NEON's 128-bit registers, as tile_avx2.h has one for 256-bit registers.
// A Product states the types of the numbers (Number by Stored, kGroup of each at a time), the type
// of a register of four sums, how the weights of four outputs and a group of a row are loaded, and
// the instruction that adds to the sums: the products of all weights with the first group of `x`. A
// Product and all functions made from it are local to their file. 24 of the 32 registers hold sums,
// four hold weights.
template <typename Product, int Rows>
static void multiply_strip(const StripTile<Product>& t) {
  constexpr int64_t kGroup = Product::kGroup, kOutputs = 4, kRegisters = kStripColumns / kOutputs;
  typename Product::Sums sum[Rows][kRegisters];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kRegisters; ++v) sum[r][v] = Product::zero();
  }
  const auto* b = t.b;
  const auto* a = t.a;
  const int64_t groups = t.groups, stride = t.a_stride;
  for (int64_t i = 0; i < groups; ++i, a += kGroup, b += kStripColumns * kGroup) {
    typename Product::Weights weights[kRegisters];
#pragma GCC unroll 4
    for (int v = 0; v < kRegisters; ++v) weights[v] = Product::read(b + v * kOutputs * kGroup);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const auto x = Product::read_group(a + r * stride);
#pragma GCC unroll 4
      for (int v = 0; v < kRegisters; ++v) sum[r][v] = Product::add(sum[r][v], weights[v], x);
      // Keeps the compiler from loading the groups of all rows first, for which registers lack.
      asm volatile("" ::: "memory");
    }
  }
  auto* const c = t.c;
  const int64_t c_stride = t.c_stride;
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kRegisters; ++v) {
      Product::store(c + r * c_stride + v * kOutputs, sum[r][v]);
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
