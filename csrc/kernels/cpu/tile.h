#pragma once

#include <cstdint>

namespace llm2clip {

// The inner loop that the fp32 matrix kernels share: c [rows, columns] = start + a · b, all f32.
// 6 × 64 results stay in 24 of the 32 AVX-512 registers while `depth` products go by.
constexpr int64_t kTileRows = 6;
constexpr int64_t kTileColumns = 64;

struct Tile {
  int64_t rows, columns;         // at most kTileRows and kTileColumns
  const float* a;                // [rows, depth], rows `a_stride` apart
  const float* b;                // [depth, columns], rows `b_stride` apart, 64-byte aligned and
                                 // readable up to a multiple of 16 columns
  const float* start = nullptr;  // [rows, columns], rows `start_stride` apart; nullptr: zeros
  float* c;                      // may be `start`
  int64_t depth, a_stride, b_stride, start_stride = 0, c_stride;
};

void multiply_tile_avx512(const Tile& tile);

}  // namespace llm2clip
