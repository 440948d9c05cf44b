#pragma once

#include "kernels/cuda/norm_head.h"

namespace llm2clip {

// A block of norm_head normalises a few rows into shared memory, one per warp. Then each warp reads
// the weights of its outputs once for all these rows.
constexpr int kHeadRows = 8, kHeadOutputs = 2;  // rows per block, outputs per warp
constexpr int kHeadBlock = kHeadRows * kWarp;   // threads per block

// The work of one warp. Some of its outputs may lie after the last one.
struct HeadTile {
  int64_t row;       // the block's first row
  int rows, output;  // the number of rows, the warp's first output
};

LLM2CLIP_HOST_DEVICE int head_slices(int dim) {
  constexpr int kOutputs = kHeadRows * kHeadOutputs;
  return (dim + kOutputs - 1) / kOutputs;
}

template <typename T>
LLM2CLIP_HOST_DEVICE int64_t head_blocks(const CudaNormHead<T>& a) {
  return (a.rows + kHeadRows - 1) / kHeadRows * head_slices(a.dim);
}

template <typename T>
LLM2CLIP_HOST_DEVICE HeadTile head_tile(const CudaNormHead<T>& a, int64_t block, int warp) {
  const int slices = head_slices(a.dim);
  const int64_t row = block / slices * kHeadRows, left = a.rows - row;
  const auto slice = static_cast<int>(block % slices);
  return {row, left < kHeadRows ? static_cast<int>(left) : kHeadRows,
          (slice * kHeadRows + warp) * kHeadOutputs};
}

// x + y. Unlike AddedRow, it is not stored, because nothing else reads it.
template <typename T>
struct LastSum {
  const float* x;
  const T* y;
  int64_t width;
  LLM2CLIP_HOST_DEVICE Chunk load(int64_t row, int first) const {
    Chunk a = load_chunk(x + row * width + first);
    const Chunk b = load_chunk(y + row * width + first);
    LLM2CLIP_UNROLL
    for (int i = 0; i < kChunk; ++i) a.values[i] += b.values[i];
    return a;
  }
};

// The rows of a block in shared memory. The two halves of a chunk are stored apart, so that a warp
// reads each half contiguously and without bank conflicts.
template <int kChunks>
struct NormalRows {
  struct alignas(16) Half {
    float values[kChunk / 2];
  };
  Half halves[kHeadRows][kChunks][2][kWarp];

  LLM2CLIP_HOST_DEVICE void keep(int row, int c, int lane, const Chunk& chunk) {
    Half low, high;
    LLM2CLIP_UNROLL
    for (int i = 0; i < kChunk / 2; ++i) {
      low.values[i] = chunk.values[i];
      high.values[i] = chunk.values[i + kChunk / 2];
    }
    halves[row][c][0][lane] = low;
    halves[row][c][1][lane] = high;
  }
  LLM2CLIP_HOST_DEVICE Chunk chunk(int row, int c, int lane) const {
    const Half low = halves[row][c][0][lane], high = halves[row][c][1][lane];
    Chunk result;
    LLM2CLIP_UNROLL
    for (int i = 0; i < kChunk / 2; ++i) {
      result.values[i] = low.values[i];
      result.values[i + kChunk / 2] = high.values[i];
    }
    return result;
  }
};

template <typename T, int kChunks>
LLM2CLIP_HOST_DEVICE void keep_normal(const CudaNormHead<T>& a, const RowPart<kChunks>& part,
                                      float deviation_inverse, int row, int lane,
                                      NormalRows<kChunks>& normal) {
  LLM2CLIP_UNROLL
  for (int c = 0; c < kChunks; ++c) {
    const int first = first_of_chunk(lane, kWarp, c);
    if (first >= a.width) continue;
    normal.keep(row, c, lane, part.normal(c, first, a.weight, a.bias, deviation_inverse));
  }
}

// The partial sums of one lane for its warp's outputs.
struct HeadSums {
  float of[kHeadOutputs][kHeadRows];
};

template <typename T, int kChunks>
LLM2CLIP_HOST_DEVICE HeadSums head_sums(const CudaNormHead<T>& a, const HeadTile& tile,
                                        const NormalRows<kChunks>& normal, int lane) {
  HeadSums sums{};
  LLM2CLIP_UNROLL
  for (int c = 0; c < kChunks; ++c) {
    const int first = first_of_chunk(lane, kWarp, c);
    if (first >= a.width) continue;
    Chunk weights[kHeadOutputs];
    LLM2CLIP_UNROLL
    for (int o = 0; o < kHeadOutputs; ++o) {
      // For an output after the last one, the last one's weights are read.
      const int output = tile.output + o < a.dim ? tile.output + o : a.dim - 1;
      weights[o] = load_chunk(a.head + int64_t{output} * a.width + first);
    }
    LLM2CLIP_UNROLL
    for (int row = 0; row < kHeadRows; ++row) {
      if (row >= tile.rows) continue;
      const Chunk x = normal.chunk(row, c, lane);
      LLM2CLIP_UNROLL
      for (int o = 0; o < kHeadOutputs; ++o) {
        LLM2CLIP_UNROLL
        for (int i = 0; i < kChunk; ++i) sums.of[o][row] += x.values[i] * weights[o].values[i];
      }
    }
  }
  return sums;
}

// `sum` is the sum over the whole warp.
template <typename T>
LLM2CLIP_HOST_DEVICE void write_head(const CudaNormHead<T>& a, const HeadTile& tile, int o, int row,
                                     float sum) {
  const int output = tile.output + o;
  if (output >= a.dim) return;
  const float bias = a.head_bias == nullptr ? 0 : to_f32(a.head_bias[output]);
  a.out[(tile.row + row) * a.dim + output] = sum + bias;
}

}  // namespace llm2clip
