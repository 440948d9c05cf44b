#pragma once

#include <algorithm>

#include "kernels/cpu/linear.h"
#include "kernels/cpu/tile.h"

namespace llm2clip {

// Linear layers over strips whose sums are in f32. `Multiply` multiplies a tile. All functions are
// local to the file that includes this one, because each such file is compiled for different
// instructions.

// A strip's part of this depth is at most 16 KiB and stays in the first-level cache.
static constexpr int64_t kDepth = 256;

static inline void add_row(const float* sums, float* total) {
  for (int64_t i = 0; i < kStripColumns; ++i) total[i] += sums[i];
}

// Multiplies up to kStripRows rows x [rows, in] by `columns` outputs of a strip → out
// [rows, a.out].
template <typename Tile, void (*Multiply)(const Tile&)>
static inline void multiply_rows(const typename Tile::Number* x, const typename Tile::Stored* strip,
                                 const float* bias, int64_t columns, float* out,
                                 const LinearArguments& a, int64_t rows) {
  alignas(32) float sums[kTileRows * kStripColumns];
  alignas(32) float totals[kStripRows * kStripColumns] = {};
  if (bias != nullptr) {
    for (int64_t r = 0; r < rows; ++r) std::copy_n(bias, columns, totals + r * kStripColumns);
  }
  Tile tile{};
  tile.c = sums;
  tile.a_stride = a.in;
  tile.c_stride = kStripColumns;
  for (int64_t begin = 0; begin < a.in; begin += kDepth) {
    tile.groups = std::min(kDepth, a.in - begin) / Tile::kGroup;
    tile.b = strip + begin * kStripColumns;
    for (int64_t row = 0; row < rows; row += kTileRows) {
      tile.rows = std::min(kTileRows, rows - row);
      tile.a = x + row * a.in + begin;
      Multiply(tile);
      for (int64_t r = 0; r < tile.rows; ++r) {
        add_row(sums + r * kStripColumns, totals + (row + r) * kStripColumns);
      }
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    std::copy_n(totals + r * kStripColumns, columns, out + r * a.out);
  }
}

template <typename Tile, void (*Multiply)(const Tile&)>
static inline void multiply_share(const typename Tile::Number* x,
                                  const typename Tile::Stored* strips, const float* bias,
                                  float* out, const LinearArguments& a, const LinearBlock& block) {
  const int64_t end = block.row + block.rows;
  for (int64_t row = block.row; row < end; row += kStripRows) {
    const int64_t rows = std::min(kStripRows, end - row);
    for (int64_t column = 0; column < block.columns; column += kStripColumns) {
      const int64_t output = block.column + column;
      multiply_rows<Tile, Multiply>(
          x + row * a.in, strips + column * a.in, bias == nullptr ? nullptr : bias + output,
          std::min(kStripColumns, block.columns - column), out + row * a.out + output, a, rows);
    }
  }
}

}  // namespace llm2clip
