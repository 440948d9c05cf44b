#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/element.h"

namespace llm2clip {

// Adds the bias to packed rows and applies RoPE, in place: qkv [rows, 3, heads, dim] += bias, then
// for each pair of neighbours of q and k (x0, x1) → (x0 cos − x1 sin, x1 cos + x0 sin). v is only
// touched when there is a bias. The reference is rope_rows() in f32.
template <typename T>
struct CudaRopeArguments {
  T* qkv;
  const T* bias;           // [3, heads, dim], or nullptr when it has been added already
  const float* angles;     // [tokens, dim / 2, 2]: cosine and sine of each pair
  int64_t rows;            // B · tokens
  int tokens, heads, dim;  // dim a multiple of 8
};

// How the work is split among threads. One thread takes 8 elements of a head, first of q, then of
// k, then of v, so that it reads its angles only once.
struct RopeThread {
  int64_t row;
  int first;  // element of heads · dim
};

template <typename T>
LLM2CLIP_HOST_DEVICE int64_t rope_threads(const CudaRopeArguments<T>& a) {
  return a.rows * (a.heads * a.dim / kChunk);
}

template <typename T>
LLM2CLIP_HOST_DEVICE RopeThread rope_thread(const CudaRopeArguments<T>& a, int64_t thread) {
  const int a_row = a.heads * a.dim / kChunk;
  return {thread / a_row, static_cast<int>(thread % a_row) * kChunk};
}

// angles: those of this chunk, [4, 2]
LLM2CLIP_HOST_DEVICE void turn(Chunk& x, const Chunk& angles) {
  LLM2CLIP_UNROLL
  for (int i = 0; i < kChunk; i += 2) {
    const float x0 = x.values[i], x1 = x.values[i + 1];
    const float cos = angles.values[i], sin = angles.values[i + 1];
    x.values[i] = x0 * cos - x1 * sin;
    x.values[i + 1] = x1 * cos + x0 * sin;
  }
}

template <typename T>
LLM2CLIP_HOST_DEVICE void rope_at(const CudaRopeArguments<T>& a, const RopeThread& at) {
  const int width = a.heads * a.dim;
  const int64_t token = at.row % a.tokens;
  // A pair has two elements in its row and two in its angles.
  const Chunk angles = load_chunk(a.angles + token * a.dim + at.first % a.dim);
  const int parts = a.bias == nullptr ? 2 : 3;
  for (int part = 0; part < parts; ++part) {
    T* to = a.qkv + (at.row * 3 + part) * width + at.first;
    Chunk x = load_chunk(static_cast<const T*>(to));
    if (a.bias != nullptr) {
      const Chunk bias = load_chunk(a.bias + part * width + at.first);
      LLM2CLIP_UNROLL
      for (int i = 0; i < kChunk; ++i) x.values[i] += bias.values[i];
    }
    if (part < 2) turn(x, angles);
    store_chunk(to, x);
  }
}

// T: F16, BF16 or float.
template <typename T>
void rope_cuda(const CudaRopeArguments<T>& a, CudaStreamHandle stream);

}  // namespace llm2clip
