#pragma once

#include <cstdint>

namespace llm2clip {

// The inner loops that the matrix kernels share: c [rows, columns] = start + a · b. The 6 × 64 sums
// stay in 24 of the 32 AVX-512 registers. Each step of the depth takes a group of four bytes: one
// f32, two bf16 or int16, or four int8. One instruction adds up a group's products.
constexpr int64_t kTileRows = 6;
constexpr int64_t kTileColumns = 64;

// 12 of AVX2's 16 registers hold 6 × 16 sums, see tile_avx2.h.
constexpr int64_t kStripColumns = 16;

// The number of rows that are multiplied by a strip before the next strip. A piece of both stays in
// the first-level cache, and the rows stay in the second-level cache for all strips of their panel.
constexpr int64_t kStripRows = 8 * kTileRows;

template <typename A, typename B, typename Sum>
struct TileOf {
  using Number = A;
  static constexpr int64_t kGroup = 4 / sizeof(A);

  int64_t rows, columns;  // at most kTileRows and kTileColumns
  const A* a;             // [rows, depth], rows `a_stride` apart
  const B* b;             // [depth / kGroup, columns, kGroup], groups `b_stride` apart, 64-byte
                          // aligned and readable up to a multiple of 16 columns
  const Sum* start = nullptr;  // [rows, columns], rows `start_stride` apart; nullptr: zeros
  Sum* c;                      // may be `start`
  int64_t depth;               // a multiple of kGroup
  int64_t a_stride, b_stride, start_stride = 0, c_stride;
  // Memory to prefetch into the second-level cache: 1 or 2 lines of 64 bytes per group of the
  // depth.
  const void* next = nullptr;
  int64_t next_lines = 1;
};

// c [rows, 16] = a · b, for the types of a Product (see tile_avx2.h and tile_neon.h).
template <typename Product>
struct StripTile {
  using Number = typename Product::Number;
  using Stored = typename Product::Stored;
  static constexpr int64_t kGroup = Product::kGroup;

  int64_t rows;              // at most kTileRows
  const Number* a;           // [rows, depth], rows `a_stride` apart
  const Stored* b;           // [groups, 16, kGroup], aligned to eight outputs' bytes
  typename Product::Sum* c;  // [rows, 16], rows `c_stride` apart
  int64_t groups;
  int64_t a_stride, c_stride;
};

using Tile = TileOf<float, float, float>;
using Bf16Tile = TileOf<uint16_t, uint16_t, float>;  // bf16 numbers are passed as bits
using Int16Tile = TileOf<int16_t, int16_t, int32_t>;
using Int8Tile = TileOf<uint8_t, int8_t, int32_t>;

void multiply_tile_avx512(const Tile& tile);
void multiply_tile_avx512_bf16(const Bf16Tile& tile);
void multiply_tile_avx512_vnni(const Int16Tile& tile);
void multiply_tile_avx512_vnni(const Int8Tile& tile);

}  // namespace llm2clip
