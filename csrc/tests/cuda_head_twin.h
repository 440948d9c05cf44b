#pragma once

#include <cstring>
#include <memory>

#include "cuda_twins.h"
#include "kernels/cuda/norm_head_tile.h"

// The kernel of norm_head on the host. For each block it computes the rows, and then the outputs of
// each warp.
namespace llm2clip::testing {

template <int kChunks, typename T>
void normalise_head_rows(const CudaNormHead<T>& a, const HeadTile& tile,
                         NormalRows<kChunks>& normal) {
  // NaN reveals reads of uninitialised memory.
  std::memset(&normal, 0xff, sizeof normal);
  const RowShape shape{a.width, a.width};
  for (int row = 0; row < tile.rows; ++row) {
    std::vector<RowPart<kChunks>> parts(kWarp);
    const LastSum<T> source{a.x, a.y, a.width};
    const float inverse = centre_row(source, tile.row + row, shape, a.eps, parts);
    for (int lane = 0; lane < kWarp; ++lane) {
      keep_normal(a, parts[lane], inverse, row, lane, normal);
    }
  }
}

template <int kChunks, typename T>
void head_outputs(const CudaNormHead<T>& a, const HeadTile& tile,
                  const NormalRows<kChunks>& normal) {
  std::array<HeadSums, kWarp> sums{};
  for (int lane = 0; lane < kWarp; ++lane) sums[lane] = head_sums(a, tile, normal, lane);
  for (int row = 0; row < tile.rows; ++row) {
    for (int o = 0; o < kHeadOutputs; ++o) {
      std::array<float, kWarp> lanes{};
      for (int lane = 0; lane < kWarp; ++lane) lanes[lane] = sums[lane].of[o][row];
      write_head(a, tile, o, row, warp_sum(lanes));
    }
  }
}

template <int kChunks, typename T>
void norm_head(const CudaNormHead<T>& a) {
  const auto normal = std::make_unique<NormalRows<kChunks>>();
  for (int64_t block = 0; block < head_blocks(a); ++block) {
    normalise_head_rows(a, head_tile(a, block, 0), *normal);
    for (int warp = 0; warp < kHeadRows; ++warp)
      head_outputs(a, head_tile(a, block, warp), *normal);
  }
}

}  // namespace llm2clip::testing
