#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/element.h"

namespace llm2clip {

// The mean of each text's last tokens, in f32: x [tokens, width] → out [texts, width]. Text i ends
// before token ends[i], and its last pooled[i] tokens are averaged.
template <typename T>
struct CudaTextMeanArguments {
  const T* x;
  const int32_t *ends, *pooled;  // [texts]
  float* out;
  int64_t texts;
  int width;  // a multiple of 8
};

template <typename T>
LLM2CLIP_HOST_DEVICE int64_t text_mean_threads(const CudaTextMeanArguments<T>& a) {
  return a.texts * (a.width / kChunk);
}

// Each thread computes 8 elements of a mean, token after token, so that a warp accesses memory
// contiguously.
template <typename T>
LLM2CLIP_HOST_DEVICE void text_mean_at(const CudaTextMeanArguments<T>& a, int64_t thread) {
  const int a_row = a.width / kChunk;
  const int64_t text = thread / a_row, first = thread % a_row * kChunk;
  Chunk sum{};
  for (int64_t token = a.ends[text] - a.pooled[text]; token < a.ends[text]; ++token) {
    const Chunk x = load_chunk(a.x + token * a.width + first);
    LLM2CLIP_UNROLL
    for (int i = 0; i < kChunk; ++i) sum.values[i] += x.values[i];
  }
  LLM2CLIP_UNROLL
  for (int i = 0; i < kChunk; ++i) sum.values[i] /= static_cast<float>(a.pooled[text]);
  store_chunk(a.out + text * a.width + first, sum);
}

// T: F16, BF16 or float.
template <typename T>
void text_mean_cuda(const CudaTextMeanArguments<T>& a, CudaStreamHandle stream);

}  // namespace llm2clip
