#include <algorithm>

#include "kernels/cpu/linear.h"
#include "kernels/cpu/tile.h"

namespace llm2clip {
namespace {

// Measured on Zen 5 at 577 rows: 96 % of the multipliers' peak; 256 gives 90 %, 1024 thrashes at
// times. A slice of a panel (128 KiB) and the rows' share of it stay in the second-level cache.
constexpr int64_t kDepth = 512;
// The rows of a block stay in the shared cache while all panels pass.
constexpr int64_t kMostRows = 100 * kTileRows;
constexpr int64_t kLeastRows = 8 * kTileRows;
constexpr int64_t kSharesPerThread = 4;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// All rows below the ones where `tile` begins, kDepth products at a time.
void multiply_panel(Tile tile, int64_t rows, int64_t in) {
  const Tile begin = tile;
  for (int64_t i = 0; i < in; i += kDepth) {
    tile.b = begin.b + i * kTileColumns;
    tile.depth = std::min(kDepth, in - i);
    for (int64_t row = 0; row < rows; row += kTileRows) {
      tile.rows = std::min(kTileRows, rows - row);
      tile.a = begin.a + row * tile.a_stride + i;
      tile.c = begin.c + row * tile.c_stride;
      if (i > 0) {
        tile.start = tile.c;
        tile.start_stride = tile.c_stride;
      }
      multiply_tile_avx512(tile);
    }
  }
}

}  // namespace

int64_t linear_panels(int64_t out) { return ceil_div(out, kTileColumns); }

void pack_linear_weight(const float* weight, float* packed, const LinearArguments& a, int64_t first,
                        int64_t last) {
  constexpr int64_t kBlock = 16;  // both sides of the transposition stay in the cache
  for (int64_t panel = first; panel < last; ++panel) {
    float* to = packed + panel * a.in * kTileColumns;
    const int64_t columns = std::min(kTileColumns, a.out - panel * kTileColumns);
    if (columns < kTileColumns) std::fill_n(to, a.in * kTileColumns, 0.0F);
    for (int64_t begin = 0; begin < a.in; begin += kBlock) {
      const int64_t end = std::min(a.in, begin + kBlock);
      for (int64_t column = 0; column < columns; ++column) {
        const float* from = weight + (panel * kTileColumns + column) * a.in;
        for (int64_t i = begin; i < end; ++i) to[i * kTileColumns + column] = from[i];
      }
    }
  }
}

LinearShares linear_shares(const LinearArguments& a, int64_t threads) {
  const int64_t panels = linear_panels(a.out);
  const int64_t wanted = ceil_div(threads * kSharesPerThread, panels);
  const int64_t possible = std::max<int64_t>(1, a.rows / kLeastRows);
  const int64_t blocks = std::max(std::min(wanted, possible), ceil_div(a.rows, kMostRows));
  const int64_t rows = ceil_div(ceil_div(a.rows, blocks), kTileRows) * kTileRows;
  return {rows, ceil_div(a.rows, rows) * panels};
}

void linear_avx512(const float* x, const float* packed, const float* bias, float* out,
                   const LinearArguments& a, const LinearShares& shares, int64_t first,
                   int64_t last) {
  const int64_t panels = linear_panels(a.out);
  for (int64_t share = first; share < last; ++share) {
    const int64_t row = share / panels * shares.block_rows;
    const int64_t column = share % panels * kTileColumns;
    Tile tile{};
    tile.columns = std::min(kTileColumns, a.out - column);
    tile.a = x + row * a.in;
    tile.b = packed + column * a.in;
    tile.start = bias == nullptr ? nullptr : bias + column;
    tile.c = out + row * a.out + column;
    tile.a_stride = a.in;
    tile.b_stride = kTileColumns;
    tile.c_stride = a.out;
    multiply_panel(tile, std::min(shares.block_rows, a.rows - row), a.in);
  }
}

}  // namespace llm2clip
