#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/rope.h"

namespace llm2clip {

// RoPE for packed texts, in place: qkv [rows, heads + values, dim]. The first `heads` heads, those
// of q and then of k, are rotated as in rope.h, each token by its position id. The reference is
// rope_rows() in f32.
template <typename T>
struct CudaTextRopeArguments {
  T* qkv;
  const int32_t* places;  // position ids, [rows]: 0 for a text's first token
  const float* angles;    // [longest text, dim / 2, 2]: cosine and sine of each pair
  int64_t rows;
  int heads, values, dim;  // dim a multiple of 8
};

template <typename T>
LLM2CLIP_HOST_DEVICE int64_t text_rope_threads(const CudaTextRopeArguments<T>& a) {
  return a.rows * (a.heads * a.dim / kChunk);
}

// Each thread rotates 8 elements of a head. A pair has two elements in its row and two in its
// angles.
template <typename T>
LLM2CLIP_HOST_DEVICE void text_rope_at(const CudaTextRopeArguments<T>& a, int64_t thread) {
  const int a_row = a.heads * a.dim / kChunk;
  const int64_t row = thread / a_row;
  const int first = static_cast<int>(thread % a_row) * kChunk;
  const int64_t place = a.places[row];
  T* to = a.qkv + row * (a.heads + a.values) * a.dim + first;
  Chunk x = load_chunk(static_cast<const T*>(to));
  turn(x, load_chunk(a.angles + place * a.dim + first % a.dim));
  store_chunk(to, x);
}

// T: F16, BF16 or float.
template <typename T>
void text_rope_cuda(const CudaTextRopeArguments<T>& a, CudaStreamHandle stream);

}  // namespace llm2clip
