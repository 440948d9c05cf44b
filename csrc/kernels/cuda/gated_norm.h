#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/element.h"

namespace llm2clip {

// SwiGLU and its sub-LayerNorm in one pass:
// gate_up [rows, 2 · padded] → out [rows, padded] = LayerNorm(silu(gate) · up).
// The LayerNorm is over `hidden` elements, and the padding is zero. The reference is
// gated_norm_plain().
struct CudaGatedNormArguments {
  int64_t rows;
  int hidden;  // e.g. 2730
  int padded;  // a width that GEMMs are fast with, e.g. 2752; a multiple of 8, ≤ kWidestRow
  float eps;
};

// weight, bias: [padded]. T: F16, BF16 or float.
template <typename T>
void gated_norm_cuda(const T* gate_up, const T* weight, const T* bias, T* out,
                     const CudaGatedNormArguments& a, CudaStreamHandle stream);

}  // namespace llm2clip
