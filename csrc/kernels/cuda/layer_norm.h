#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/element.h"

namespace llm2clip {

// LayerNorm on the GPU, statistics in f32. Launchers return at once; all memory is the device's and
// lies on 16 bytes; T is F16, BF16 or float. The reference is layer_norm_plain().
struct CudaNormArguments {
  int64_t rows;
  int width;  // a multiple of 8, at most kWidestRow
  float eps;
};

// x: rows `stride` numbers apart (a multiple of 8). X: float or T. weight, bias: [width].
template <typename X, typename T>
void layer_norm_cuda(const X* x, int64_t stride, const T* weight, const T* bias, T* out,
                     const CudaNormArguments& a, CudaStreamHandle stream);

// The next step of a residual stream, which stays in f32: sum = x + y, out = LayerNorm(sum).
// `sum` may be `x`.
template <typename T>
void add_layer_norm_cuda(const float* x, const T* y, const T* weight, const T* bias, float* sum,
                         T* out, const CudaNormArguments& a, CudaStreamHandle stream);

}  // namespace llm2clip
