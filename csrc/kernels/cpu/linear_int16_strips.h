#pragma once

#include <immintrin.h>

#include <algorithm>

#include "kernels/cpu/linear.h"
#include "kernels/cpu/tile_avx2.h"

namespace llm2clip {

// int16 linear layers over strips, for the instructions of a Product. As in tile_avx2.h, all
// functions are local to the file that includes this one.

// One strip of a panel, with which rows are multiplied.
struct Int16Strip {
  const int16_t* weights;  // [in / 2, 16, 2]
  const float* scales;     // [16]
  const float* bias;       // [columns], or nullptr
  int64_t columns;         // number of outputs in it
};

// total [16] += sums · row_scale · scales
static inline void add_scaled(const int32_t* sums, float row_scale, const float* scales,
                              float* total) {
  for (int64_t i = 0; i < kStripColumns; i += 8) {
    const __m256 scale = _mm256_mul_ps(_mm256_set1_ps(row_scale), _mm256_loadu_ps(scales + i));
    const __m256i whole = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + i));
    const __m256 sum = _mm256_cvtepi32_ps(whole);
    _mm256_storeu_ps(total + i, _mm256_fmadd_ps(sum, scale, _mm256_loadu_ps(total + i)));
  }
}

// Multiplies up to kStripRows rows x [rows, in] by one strip → out [rows, a.out].
template <typename Product>
static void multiply_rows(const int16_t* x, const float* row_scales, const Int16Strip& strip,
                          float* out, const LinearArguments& a, int64_t rows) {
  alignas(32) int32_t sums[kTileRows * kStripColumns];
  alignas(32) float totals[kStripRows * kStripColumns] = {};
  if (strip.bias != nullptr) {
    for (int64_t r = 0; r < rows; ++r) {
      std::copy_n(strip.bias, strip.columns, totals + r * kStripColumns);
    }
  }
  StripTile<Product> tile{};
  tile.c = sums;
  tile.a_stride = a.in;
  tile.c_stride = kStripColumns;
  for (int64_t begin = 0; begin < a.in; begin += kInt16Depth) {
    tile.groups = std::min(kInt16Depth, a.in - begin) / Product::kGroup;
    tile.b = strip.weights + begin * kStripColumns;
    for (int64_t row = 0; row < rows; row += kTileRows) {
      tile.rows = std::min(kTileRows, rows - row);
      tile.a = x + row * a.in + begin;
      multiply_strip_of_any_size(tile);
      for (int64_t r = 0; r < tile.rows; ++r) {
        add_scaled(sums + r * kStripColumns, row_scales[row + r], strip.scales,
                   totals + (row + r) * kStripColumns);
      }
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    std::copy_n(totals + r * kStripColumns, strip.columns, out + r * a.out);
  }
}

template <typename Product>
static void multiply_share(const int16_t* x, const float* row_scales, const int16_t* panel,
                           const float* bias, float* out, const LinearArguments& a,
                           const LinearBlock& block) {
  const auto* scales = reinterpret_cast<const float*>(panel + a.in * kTileColumns);
  const int64_t end = block.row + block.rows;
  for (int64_t row = block.row; row < end; row += kStripRows) {
    const int64_t rows = std::min(kStripRows, end - row);
    for (int64_t column = 0; column < block.columns; column += kStripColumns) {
      const int64_t output = block.column + column;
      const Int16Strip strip{panel + column * a.in, scales + column,
                             bias == nullptr ? nullptr : bias + output,
                             std::min(kStripColumns, block.columns - column)};
      multiply_rows<Product>(x + row * a.in, row_scales + row, strip, out + row * a.out + output, a,
                             rows);
    }
  }
}

}  // namespace llm2clip
