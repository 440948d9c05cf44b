#include <immintrin.h>

#include "kernels/cpu/linear.h"
#include "kernels/cpu/linear_block.h"

namespace llm2clip {
namespace {

// What the products of one stretch of the depth add to up to 64 outputs of a row.
struct Outputs {
  const float* scales;
  const float* start;  // nullptr: zeros
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

}  // namespace

void linear_avx512_vnni(const int16_t* x, const float* row_scales, const int16_t* packed,
                        const float* bias, float* out, const LinearArguments& a,
                        const LinearShares& shares, int64_t share) {
  const LinearBlock block(a, shares, share);
  alignas(64) int32_t sums[kTileRows * kTileColumns];
  alignas(64) float totals[kTileRows * kTileColumns];
  const int16_t* panel = packed + block.panel * (a.in + Int16Tile::kGroup) * kTileColumns;
  const auto* scales = reinterpret_cast<const float*>(panel + a.in * kTileColumns);
  Int16Tile tile{};
  tile.columns = block.columns;
  tile.c = sums;
  tile.a_stride = a.in;
  tile.b_stride = kTileColumns * Int16Tile::kGroup;
  tile.c_stride = kTileColumns;
  for (int64_t row = block.row; row < block.row + block.rows; row += kTileRows) {
    tile.rows = std::min(kTileRows, block.row + block.rows - row);
    for (int64_t i = 0; i < a.in; i += kInt16Depth) {
      tile.depth = std::min(kInt16Depth, a.in - i);
      tile.a = x + row * a.in + i;
      tile.b = panel + i * kTileColumns;
      multiply_tile_avx512_vnni(tile);
      const bool first = i == 0, last = i + kInt16Depth >= a.in;
      for (int64_t r = 0; r < tile.rows; ++r) {
        float* total = totals + r * kTileColumns;
        const float* bias_or_none = bias == nullptr ? nullptr : bias + block.column;
        add_scaled(sums + r * kTileColumns, row_scales[row + r],
                   {scales, first ? bias_or_none : total,
                    last ? out + (row + r) * a.out + block.column : total, block.columns});
      }
    }
  }
}

}  // namespace llm2clip
