#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/row_norm.h"

namespace llm2clip {

// How a tower ends whose embedding is its class token's: LayerNorm(x + y) · headᵀ + head_bias, in
// one pass and in f32 from end to end. Each number is one sum in one order, however many rows there
// are. All memory is the device's and lies on 16 bytes.
template <typename T>
struct CudaNormHead {
  const float* x;          // [rows, width], the residual stream
  const T* y;              // [rows, width], what the last block adds to it
  const T *weight, *bias;  // [width], the norm's
  const T* head;           // [dim, width]
  const T* head_bias;      // [dim], or nullptr
  float* out;              // [rows, dim]
  int64_t rows;
  int width;  // a multiple of 8, at most kWidestHead
  int dim;
  float eps;
};

// A warp normalises a row by itself: the widest for which its registers suffice.
constexpr int kWidestHead = kWarp * kMostChunks * kChunk;

// T: F16, BF16 or float. Returns at once.
template <typename T>
void norm_head_cuda(const CudaNormHead<T>& a, CudaStreamHandle stream);

}  // namespace llm2clip
