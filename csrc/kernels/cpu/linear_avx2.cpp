#include <algorithm>

#include "kernels/cpu/linear.h"
#include "kernels/cpu/linear_block.h"
#include "kernels/cpu/tile_avx2.h"

namespace llm2clip {
namespace {

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

// A strip's part of this depth is 16 KiB and stays in the first-level cache.
constexpr int64_t kDepth = 256;

void add_row(const float* sums, float* total) {
  for (int64_t i = 0; i < kStripColumns; ++i) total[i] += sums[i];
}

// Multiplies up to kStripRows rows x [rows, in] by `columns` outputs of a strip → out
// [rows, a.out].
void multiply_rows(const float* x, const float* strip, const float* bias, int64_t columns,
                   float* out, const LinearArguments& a, int64_t rows) {
  alignas(32) float sums[kTileRows * kStripColumns];
  alignas(32) float totals[kStripRows * kStripColumns] = {};
  if (bias != nullptr) {
    for (int64_t r = 0; r < rows; ++r) std::copy_n(bias, columns, totals + r * kStripColumns);
  }
  StripTile<Fp32Product> tile{};
  tile.c = sums;
  tile.a_stride = a.in;
  tile.c_stride = kStripColumns;
  for (int64_t begin = 0; begin < a.in; begin += kDepth) {
    tile.groups = std::min(kDepth, a.in - begin);
    tile.b = strip + begin * kStripColumns;
    for (int64_t row = 0; row < rows; row += kTileRows) {
      tile.rows = std::min(kTileRows, rows - row);
      tile.a = x + row * a.in + begin;
      multiply_strip_of_any_size(tile);
      for (int64_t r = 0; r < tile.rows; ++r) {
        add_row(sums + r * kStripColumns, totals + (row + r) * kStripColumns);
      }
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    std::copy_n(totals + r * kStripColumns, columns, out + r * a.out);
  }
}

}  // namespace

void linear_avx2(const float* x, const float* packed, const float* bias, float* out,
                 const LinearArguments& a, const LinearShares& shares, int64_t share) {
  const LinearBlock block(a, shares, share);
  const float* panel = packed + block.panel * a.in * kTileColumns;
  const int64_t end = block.row + block.rows;
  for (int64_t row = block.row; row < end; row += kStripRows) {
    const int64_t rows = std::min(kStripRows, end - row);
    for (int64_t column = 0; column < block.columns; column += kStripColumns) {
      const int64_t output = block.column + column;
      multiply_rows(
          x + row * a.in, panel + column * a.in, bias == nullptr ? nullptr : bias + output,
          std::min(kStripColumns, block.columns - column), out + row * a.out + output, a, rows);
    }
  }
}

}  // namespace llm2clip
