#pragma once

#include "kernels/cuda/layer_norm.h"

namespace llm2clip {

// RMSNorm on the GPU: x / √(mean of x² + eps) · weight of a residual stream in f32, with contiguous
// rows. The requirements on sizes and memory are those of layer_norm.h. T is F16, BF16 or float.
// The reference is rms_norm_plain().
template <typename T>
void rms_norm_cuda(const float* x, const T* weight, T* out, const CudaNormArguments& a,
                   CudaStreamHandle stream);

// Adds to the residual stream and normalises it: sum = x + y, out = RMSNorm(sum). `sum` may be `x`.
template <typename T>
void add_rms_norm_cuda(const float* x, const T* y, const T* weight, float* sum, T* out,
                       const CudaNormArguments& a, CudaStreamHandle stream);

}  // namespace llm2clip
