#pragma once

#include <immintrin.h>

#include <array>
#include <cstring>

#include "kernels/cpu/tile.h"

namespace llm2clip {

// One loop for the three kinds of tile. Each kind brings its `Product`: the type of a register of
// 16 sums, and the instruction that adds to it. A Product and all functions made from it are local
// to their file, because each such file is compiled for different instructions. The loops over
// registers are unrolled explicitly, because otherwise g++ 12 keeps some of the registers in
// memory.
template <typename Product, int Rows, int Vectors, bool Fetches>
void multiply_tile(const typename Product::Tile& t) {
  constexpr int kLanes = 16;
  constexpr int64_t kGroup = Product::Tile::kGroup;
  // The last vector may be partial. The others are full.
  const auto last = static_cast<__mmask16>(0xffffU >> (Vectors * kLanes - t.columns));
  const auto mask = [last](int v) { return v + 1 < Vectors ? __mmask16{0xffff} : last; };
  typename Product::Sums sum[Rows][Vectors];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      sum[r][v] = t.start == nullptr
                      ? Product::zero()
                      : Product::load(mask(v), t.start + r * t.start_stride + v * kLanes);
    }
  }
  const auto* next = static_cast<const char*>(t.next);
  const int64_t next_step = 64 * t.next_lines;
  for (int64_t i = 0; i < t.depth / kGroup; ++i) {
    if constexpr (Fetches) {  // the lines of this step; if there is only one, it is fetched twice
      _mm_prefetch(next + i * next_step, _MM_HINT_T1);
      _mm_prefetch(next + i * next_step + next_step / 2, _MM_HINT_T1);
    }
    __m512i b[Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      b[v] = _mm512_load_si512(t.b + i * t.b_stride + v * kLanes * kGroup);
    }
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      int group;
      std::memcpy(&group, t.a + r * t.a_stride + i * kGroup, sizeof(group));
      const __m512i a = _mm512_set1_epi32(group);
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) sum[r][v] = Product::add(sum[r][v], a, b[v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      Product::store(t.c + r * t.c_stride + v * kLanes, mask(v), sum[r][v]);
    }
  }
}

template <typename Product, bool Fetches>
void multiply_tile_of_any_size(const typename Product::Tile& tile) {
  using Multiply = void (*)(const typename Product::Tile&);
  static constexpr auto by_size = []<int... Sizes>(std::integer_sequence<int, Sizes...>) {
    return std::array<Multiply, sizeof...(Sizes)>{
        multiply_tile<Product, Sizes / 4 + 1, Sizes % 4 + 1, Fetches>...};
  }(std::make_integer_sequence<int, kTileRows * kTileColumns / 16>());
  by_size[(tile.rows - 1) * 4 + (tile.columns - 1) / 16](tile);
}

template <typename Product>
void multiply_tile_of_any_size(const typename Product::Tile& tile) {
  if (tile.next == nullptr) {
    multiply_tile_of_any_size<Product, false>(tile);
  } else {
    multiply_tile_of_any_size<Product, true>(tile);
  }
}

}  // namespace llm2clip
