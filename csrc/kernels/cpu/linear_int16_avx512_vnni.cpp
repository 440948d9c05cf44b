#include <immintrin.h>

#include <algorithm>

#include "kernels/cpu/linear.h"
#include "kernels/cpu/tile.h"

namespace llm2clip {
namespace {

// The destination of the products of one stretch of the depth: up to 64 outputs of a row.
struct Outputs {
  const float* scales;
  const float* start;  // nullptr means zeros
  float* out;
  int64_t columns;
};

void add_scaled(const int32_t* sums, float row_scale, const Outputs& outputs) {
  for (int64_t i = 0; i < outputs.columns; i += 16) {
    const int64_t left = outputs.columns - i;
    const auto mask = static_cast<__mmask16>(left >= 16 ? 0xffffU : 0xffffU >> (16 - left));
    const __m512 start = outputs.start == nullptr ? _mm512_setzero_ps()
                                                  : _mm512_maskz_loadu_ps(mask, outputs.start + i);
    const __m512 scale =
        _mm512_mul_ps(_mm512_set1_ps(row_scale), _mm512_load_ps(outputs.scales + i));
    const __m512 sum = _mm512_cvtepi32_ps(_mm512_load_si512(sums + i));
    _mm512_mask_storeu_ps(outputs.out + i, mask, _mm512_fmadd_ps(sum, scale, start));
  }
}

// The number of rows that pass one stretch of a panel's depth before the next stretch begins. The
// first tile of these rows reads the weights from memory; the others find them in the cache.
constexpr int64_t kRowsAtOnce = 8 * kTileRows;

// The inputs and outputs of one share.
struct Work {
  const int16_t* x;
  const float* row_scales;
  const int16_t* panel;
  const float* scales;  // of the panel's outputs
  const float* bias;    // of the panel's outputs; nullptr: none
  float* out;           // the panel's first output in the first row
};

// Some rows, and one stretch of the depth.
struct Stretch {
  int64_t row, rows, begin;
};

// With few rows, reading the weights takes longer than multiplying them. So the first tiles of each
// stretch prefetch the next stretch into the second-level cache. A stretch has four times as many
// cache lines as a tile has groups.
void fetch_next(const int16_t* next, int64_t place, int64_t tiles, Int16Tile& tile) {
  constexpr int64_t kLines = 4, kLine = 64 / sizeof(int16_t);
  tile.next_lines = tiles < kLines ? 2 : 1;
  const int64_t line = place * tile.next_lines;
  tile.next = next != nullptr && line < kLines
                  ? next + line * (kInt16Depth / Int16Tile::kGroup) * kLine
                  : nullptr;
}

void multiply_stretch(const Work& work, const Stretch& s, const LinearArguments& a, bool fetches,
                      float* totals, Int16Tile& tile) {
  alignas(64) int32_t sums[kTileRows * kTileColumns];
  const bool first = s.begin == 0, last = s.begin + kInt16Depth >= a.in;
  tile.c = sums;
  tile.depth = std::min(kInt16Depth, a.in - s.begin);
  tile.b = work.panel + s.begin * kTileColumns;
  const int16_t* next = last ? nullptr : tile.b + kInt16Depth * kTileColumns;
  const int64_t tiles = (s.rows + kTileRows - 1) / kTileRows;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t row = s.row + i * kTileRows;
    tile.rows = std::min(kTileRows, s.row + s.rows - row);
    tile.a = work.x + row * a.in + s.begin;
    fetch_next(fetches ? next : nullptr, i, tiles, tile);
    multiply_tile_avx512_vnni(tile);
    for (int64_t r = 0; r < tile.rows; ++r) {
      float* total = totals + (i * kTileRows + r) * kTileColumns;
      add_scaled(sums + r * kTileColumns, work.row_scales[row + r],
                 {work.scales, first ? work.bias : total,
                  last ? work.out + (row + r) * a.out : total, tile.columns});
    }
  }
}

}  // namespace

void linear_avx512_vnni(const int16_t* x, const float* row_scales, const int16_t* panel,
                        const float* bias, float* out, const LinearArguments& a,
                        const LinearBlock& block) {
  const Work work{.x = x,
                  .row_scales = row_scales,
                  .panel = panel,
                  .scales = reinterpret_cast<const float*>(panel + a.in * kTileColumns),
                  .bias = bias == nullptr ? nullptr : bias + block.column,
                  .out = out + block.column};
  Int16Tile tile{};
  tile.columns = block.columns;
  tile.a_stride = a.in;
  tile.b_stride = kTileColumns * Int16Tile::kGroup;
  tile.c_stride = kTileColumns;
  alignas(64) float totals[kRowsAtOnce * kTileColumns];
  const int64_t end = block.row + block.rows;
  for (int64_t row = block.row; row < end; row += kRowsAtOnce) {
    const int64_t rows = std::min(kRowsAtOnce, end - row);
    for (int64_t i = 0; i < a.in; i += kInt16Depth) {
      multiply_stretch(work, {row, rows, i}, a, row == block.row, totals, tile);
    }
  }
}

}  // namespace llm2clip
