#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "kernels/cuda/row_norm.h"

// GPU kernels on the host. They use the same index maps and element functions for the same blocks
// and threads, one thread after another, and add in the order of the warps' shuffles.
namespace llm2clip::testing {

// The sum that __shfl_xor_sync leaves in every lane, distance by distance.
inline float warp_sum(std::array<float, kWarp> lanes) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    const auto before = lanes;
    for (int lane = 0; lane < kWarp; ++lane) lanes[lane] = before[lane] + before[lane ^ distance];
  }
  return lanes[0];
}

// row_sum() of row_norm.cuh. `parts` has one number per thread of a row.
inline float row_sum(const std::vector<float>& parts) {
  float sum = 0;
  for (size_t first = 0; first < parts.size(); first += kWarp) {
    std::array<float, kWarp> lanes{};
    std::copy_n(parts.begin() + static_cast<int64_t>(first), kWarp, lanes.begin());
    sum += warp_sum(lanes);
  }
  return sum;
}

// Loads a row into one part per thread and subtracts its mean. Returns the factor that normalises
// it.
template <int kChunks, Centre kCentre = Centre::kMean, typename Source>
float centre_row(const Source& source, int64_t row, const RowShape& shape, float eps,
                 std::vector<RowPart<kChunks>>& parts) {
  const auto threads = static_cast<int>(parts.size());
  std::vector<float> sums(parts.size());
  const auto width = static_cast<float>(shape.width);
  for (int t = 0; t < threads; ++t) sums[t] = parts[t].load(source, row, shape, t, threads);
  const float mean = kCentre == Centre::kMean ? row_sum(sums) / width : 0;
  for (int t = 0; t < threads; ++t) sums[t] = parts[t].centre(mean, shape, t, threads);
  return rsqrt_f32(row_sum(sums) / width + eps);
}

template <int kChunks, Centre kCentre, typename Source, typename T>
void norm_row(const Source& source, const T* weight, const T* bias, T* out, int64_t row,
              const RowShape& shape, float eps, int threads) {
  std::vector<RowPart<kChunks>> parts(static_cast<size_t>(threads));
  const float inverse = centre_row<kChunks, kCentre>(source, row, shape, eps, parts);
  for (int t = 0; t < threads; ++t) {
    parts[t].store(out, row, weight, bias, inverse, shape, t, threads);
  }
}

// Calls run.operator()<chunks>(), with `chunks` as a template argument.
template <typename Run>
void with_chunks(int chunks, const Run& run) {
  switch (chunks) {
    case 1: return run.template operator()<1>();
    case 2: return run.template operator()<2>();
    case 3: return run.template operator()<3>();
    case 4: return run.template operator()<4>();
    case 5: return run.template operator()<5>();
    default: return run.template operator()<kMostChunks>();
  }
}

template <Centre kCentre = Centre::kMean, typename Source, typename T>
void norm_rows(const Source& source, const T* weight, const T* bias, T* out, int64_t rows,
               const RowShape& shape, float eps) {
  const auto [threads, chunks] = row_launch(shape.stride);
  const int64_t rows_a_block = kRowBlock / threads;
  const int64_t blocks = (rows + rows_a_block - 1) / rows_a_block;
  for (int64_t block = 0; block < blocks; ++block) {
    for (int thread = 0; thread < kRowBlock; thread += threads) {
      const auto [row, first] = row_place(block, thread, threads);
      if (row >= rows) continue;
      with_chunks(chunks, [&]<int kChunks>() {
        norm_row<kChunks, kCentre>(source, weight, bias, out, row, shape, eps, threads);
      });
    }
  }
}

}  // namespace llm2clip::testing
