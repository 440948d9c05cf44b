#pragma once

#include "kernels/cuda/element.h"

namespace llm2clip {

// Shared by the norms. A row is read once and stays in the registers of its threads, in chunks of 8
// elements. Mean and variance are computed from the registers in two passes, as in the plain
// references.

// How a row is split among its threads: thread t has chunks t, t + threads and so on, so that a
// warp accesses memory contiguously.
struct RowShape {
  int width;   // elements that are normalised
  int stride;  // elements from row to row of the output, a multiple of kChunk; the rest is zero
};

LLM2CLIP_HOST_DEVICE int first_of_chunk(int thread, int threads, int chunk) {
  return (thread + chunk * threads) * kChunk;
}

// The part of a row that one thread holds.
template <int kChunks>
struct RowPart {
  Chunk chunks[kChunks];

  // Loads the part and returns its sum. `source.load(row, first)` returns 8 elements from `first`
  // on.
  template <typename Source>
  LLM2CLIP_HOST_DEVICE float load(const Source& source, int64_t row, const RowShape& shape,
                                  int thread, int threads) {
    float sum = 0;
    LLM2CLIP_UNROLL
    for (int c = 0; c < kChunks; ++c) {
      const int first = first_of_chunk(thread, threads, c);
      if (first < shape.width) chunks[c] = source.load(row, first);
      LLM2CLIP_UNROLL
      for (int i = 0; i < kChunk; ++i) {
        if (first + i >= shape.width) chunks[c].values[i] = 0;
        sum += chunks[c].values[i];
      }
    }
    return sum;
  }

  // Subtracts the mean and returns the sum of squares.
  LLM2CLIP_HOST_DEVICE float centre(float mean, const RowShape& shape, int thread, int threads) {
    float squares = 0;
    LLM2CLIP_UNROLL
    for (int c = 0; c < kChunks; ++c) {
      const int first = first_of_chunk(thread, threads, c);
      LLM2CLIP_UNROLL
      for (int i = 0; i < kChunk; ++i) {
        const float value = first + i < shape.width ? chunks[c].values[i] - mean : 0;
        chunks[c].values[i] = value;
        squares += value * value;
      }
    }
    return squares;
  }

  // Returns chunk c, normalised. It begins at element `first`. bias may be nullptr.
  template <typename T>
  LLM2CLIP_HOST_DEVICE Chunk normal(int c, int first, const T* weight, const T* bias,
                                    float deviation_inverse) const {
    const Chunk w = load_chunk(weight + first);
    const Chunk b = bias == nullptr ? Chunk{} : load_chunk(bias + first);
    Chunk result;
    LLM2CLIP_UNROLL
    for (int i = 0; i < kChunk; ++i) {
      result.values[i] = chunks[c].values[i] * deviation_inverse * w.values[i] + b.values[i];
    }
    return result;
  }

  // weight, bias: [stride]; the elements after the width are read but not used. bias may be
  // nullptr.
  template <typename T>
  LLM2CLIP_HOST_DEVICE void store(T* out, int64_t row, const T* weight, const T* bias,
                                  float deviation_inverse, const RowShape& shape, int thread,
                                  int threads) const {
    LLM2CLIP_UNROLL
    for (int c = 0; c < kChunks; ++c) {
      const int first = first_of_chunk(thread, threads, c);
      if (first >= shape.stride) continue;
      Chunk result = normal(c, first, weight, bias, deviation_inverse);
      LLM2CLIP_UNROLL
      for (int i = 0; i < kChunk; ++i) {
        if (first + i >= shape.width) result.values[i] = 0;
      }
      store_chunk(out + row * shape.stride + first, result);
    }
  }
};

// The value that is subtracted before squares are summed: the mean for LayerNorm, nothing for
// RMSNorm.
enum class Centre { kMean, kNothing };

// How many threads share a row, and how many chunks each has. With 32 threads, a row needs no
// shared memory.
struct RowLaunch {
  int threads, chunks;
};
constexpr int kWarp = 32, kRowBlock = 128, kMostChunks = 6;

constexpr RowLaunch row_launch(int stride) {
  const int chunks = stride / kChunk;
  const int threads = chunks <= kWarp * kMostChunks ? kWarp : kRowBlock;
  return {threads, (chunks + threads - 1) / threads};
}

// The row that a thread in a block of kRowBlock threads works on, and its index among the row's
// threads.
struct RowPlace {
  int64_t row;
  int thread;
};
LLM2CLIP_HOST_DEVICE RowPlace row_place(int64_t block, int thread, int threads) {
  return {block * (kRowBlock / threads) + thread / threads, thread % threads};
}

// The widest row that the kernels support.
constexpr int kWidestRow = kRowBlock * kMostChunks * kChunk;

// Sources of the elements of a row.

// x: rows `stride` elements apart, for example the class tokens of [B, N, D].
template <typename X>
struct StoredRow {
  const X* x;
  int64_t stride;
  LLM2CLIP_HOST_DEVICE Chunk load(int64_t row, int first) const {
    return load_chunk(x + row * stride + first);
  }
};

// x + y, which is stored as the residual stream in f32. `sum` may be x.
template <typename T>
struct AddedRow {
  const float* x;
  const T* y;
  float* sum;
  int64_t stride;
  LLM2CLIP_HOST_DEVICE Chunk load(int64_t row, int first) const {
    const int64_t at = row * stride + first;
    Chunk a = load_chunk(x + at);
    const Chunk b = load_chunk(y + at);
    LLM2CLIP_UNROLL
    for (int i = 0; i < kChunk; ++i) a.values[i] += b.values[i];
    store_chunk(sum + at, a);
    return a;
  }
};

// silu(gate) · up of rows [gate, up], with `half` elements each.
template <typename T>
struct GatedRow {
  const T* gate_up;
  int64_t half;
  LLM2CLIP_HOST_DEVICE Chunk load(int64_t row, int first) const {
    const T* gate = gate_up + row * 2 * half + first;
    Chunk g = load_chunk(gate);
    const Chunk u = load_chunk(gate + half);
    LLM2CLIP_UNROLL
    for (int i = 0; i < kChunk; ++i) g.values[i] *= sigmoid(g.values[i]) * u.values[i];
    return g;
  }
};

}  // namespace llm2clip
