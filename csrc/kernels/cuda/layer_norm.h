#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/element.h"

namespace llm2clip {

// LayerNorm on the GPU, with statistics in f32. The launchers return immediately. All pointers are
// to device memory and 16-byte aligned. T is F16, BF16 or float. The reference is
// layer_norm_plain().
struct CudaNormArguments {
  int64_t rows;
  int width;  // a multiple of 8, at most kWidestRow
  float eps;
};

// x: rows `stride` elements apart (a multiple of 8). X: float or T. weight, bias: [width].
template <typename X, typename T>
void layer_norm_cuda(const X* x, int64_t stride, const T* weight, const T* bias, T* out,
                     const CudaNormArguments& a, CudaStreamHandle stream);

// Adds to a residual stream in f32 and normalises it: sum = x + y, out = LayerNorm(sum). `sum` may
// be `x`.
template <typename T>
void add_layer_norm_cuda(const float* x, const T* y, const T* weight, const T* bias, float* sum,
                         T* out, const CudaNormArguments& a, CudaStreamHandle stream);

}  // namespace llm2clip
