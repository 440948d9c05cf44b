#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/element.h"

namespace llm2clip {

// The beginning of the residual stream, in f32. The patches are [B, tokens − 1, width] after the
// class token [width], or [B, tokens, width] without one. The positions [tokens, width] are added.
template <typename T>
struct CudaTokensArguments {
  const T* patches;
  const T* cls;  // or nullptr
  const T* position;
  float* out;  // [B, tokens, width]
  int64_t batch;
  int tokens, width;  // width a multiple of 8
};

template <typename T>
LLM2CLIP_HOST_DEVICE int64_t tokens_threads(const CudaTokensArguments<T>& a) {
  return a.batch * a.tokens * (a.width / kChunk);
}

// Each thread computes 8 elements of a token.
template <typename T>
LLM2CLIP_HOST_DEVICE void token_at(const CudaTokensArguments<T>& a, int64_t thread) {
  const int a_row = a.width / kChunk;
  const int64_t row = thread / a_row, image = row / a.tokens, token = row % a.tokens;
  const int64_t first = thread % a_row * kChunk;
  const int before = a.cls == nullptr ? 0 : 1;
  const T* from =
      token < before ? a.cls : a.patches + (image * (a.tokens - before) + token - before) * a.width;
  Chunk x = load_chunk(from + first);
  const Chunk position = load_chunk(a.position + token * a.width + first);
  LLM2CLIP_UNROLL
  for (int i = 0; i < kChunk; ++i) x.values[i] += position.values[i];
  store_chunk(a.out + row * a.width + first, x);
}

// T: F16, BF16 or float.
template <typename T>
void tokens_cuda(const CudaTokensArguments<T>& a, CudaStreamHandle stream);

}  // namespace llm2clip
