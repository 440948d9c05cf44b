#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/row_norm.h"

namespace llm2clip {

// The end of a tower whose embedding comes from its class token:
// out = LayerNorm(x + y) · headᵀ + head_bias, in one pass and entirely in f32. Each output is
// summed in the same order, however many rows there are. All pointers are to device memory and
// 16-byte aligned.
template <typename T>
struct CudaNormHead {
  const float* x;          // [rows, width], the residual stream
  const T* y;              // [rows, width], the output of the last block, added to x
  const T *weight, *bias;  // [width], of the norm
  const T* head;           // [dim, width]
  const T* head_bias;      // [dim], or nullptr
  float* out;              // [rows, dim]
  int64_t rows;
  int width;  // a multiple of 8, at most kWidestHead
  int dim;
  float eps;
};

// One warp normalises one row. This is the widest row that its registers can hold.
constexpr int kWidestHead = kWarp * kMostChunks * kChunk;

// T: F16, BF16 or float. Returns immediately.
template <typename T>
void norm_head_cuda(const CudaNormHead<T>& a, CudaStreamHandle stream);

}  // namespace llm2clip
