#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/element.h"

namespace llm2clip {

// x · sigmoid(1.702 x) of 8 elements.
LLM2CLIP_HOST_DEVICE Chunk quick_gelu_chunk(Chunk x) {
  LLM2CLIP_UNROLL
  for (int i = 0; i < kChunk; ++i) x.values[i] *= sigmoid(1.702F * x.values[i]);
  return x;
}

// x, out: [count], a multiple of 8; `out` may be `x`. T: F16, BF16 or float.
template <typename T>
void quick_gelu_cuda(const T* x, T* out, int64_t count, CudaStreamHandle stream);

}  // namespace llm2clip
