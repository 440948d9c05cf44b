#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/cpu/linear.h"
#include "kernels/cpu/linear_int8_scale.h"
#include "kernels/cpu/tile.h"

namespace llm2clip {

// int8 linear layers over strips, for the instructions of a Product. The file that includes this
// one also includes the multiply_strip_of_any_size() of its instructions, and all functions are
// local to it.

// Rows in uint8 have 128 added to them. This subtracts the effect of the 128 from the sums [16].
static inline void add_start(const int32_t* start, int32_t* sums) {
  for (int64_t i = 0; i < kStripColumns; ++i) sums[i] += start[i];
}

template <typename Product, typename T>
static void multiply_share(const typename Product::Number* x, const typename Product::Stored* panel,
                           const Int8Scales& scales, const float* bias, T* out,
                           const LinearArguments& a, const LinearBlock& block) {
  constexpr bool kIsShifted = std::is_same_v<typename Product::Number, uint8_t>;
  alignas(32) int32_t sums[kTileRows * kStripColumns];
  const auto* starts = reinterpret_cast<const int32_t*>(panel + a.in * kTileColumns);
  StripTile<Product> tile{};
  tile.c = sums;
  tile.groups = a.in / Product::kGroup;
  tile.a_stride = a.in;
  tile.c_stride = kStripColumns;
  const int64_t end = block.row + block.rows;
  for (int64_t first = block.row; first < end; first += kStripRows) {
    const int64_t last = std::min(first + kStripRows, end);
    for (int64_t column = 0; column < block.columns; column += kStripColumns) {
      const int64_t output = block.column + column;
      const Int8Outputs outputs{scales.outputs + output, bias == nullptr ? nullptr : bias + output,
                                std::min(kStripColumns, block.columns - column)};
      tile.b = panel + column * a.in;
      for (int64_t row = first; row < last; row += kTileRows) {
        tile.rows = std::min(kTileRows, last - row);
        tile.a = x + row * a.in;
        multiply_strip_of_any_size(tile);
        for (int64_t r = 0; r < tile.rows; ++r) {
          int32_t* const own = sums + r * kStripColumns;
          if constexpr (kIsShifted) add_start(starts + column, own);
          scale_row(own, scales.rows[row + r], outputs, out + (row + r) * a.out + output);
        }
      }
    }
  }
}

}  // namespace llm2clip
