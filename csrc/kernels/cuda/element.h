#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/float_convert.h"
#include "kernels/cuda/host_device.h"
#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

namespace llm2clip {

// The storage types of the kernels, as bits: the host compiler has no half types.
struct F16 {
  uint16_t bits;
};
struct BF16 {
  uint16_t bits;
};

LLM2CLIP_HOST_DEVICE float to_f32(float x) { return x; }

LLM2CLIP_HOST_DEVICE float to_f32(F16 x) {
#if defined(__CUDA_ARCH__)
  return __half2float(__ushort_as_half(x.bits));
#else
  float value = 0;
  to_float(Dtype::kF16, reinterpret_cast<const std::byte*>(&x), &value, 1);
  return value;
#endif
}

LLM2CLIP_HOST_DEVICE float to_f32(BF16 x) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(static_cast<uint32_t>(x.bits) << 16);
#else
  float value = 0;
  to_float(Dtype::kBF16, reinterpret_cast<const std::byte*>(&x), &value, 1);
  return value;
#endif
}

// Rounds to nearest, ties to even.
template <typename T>
LLM2CLIP_HOST_DEVICE T from_f32(float x);

template <>
LLM2CLIP_HOST_DEVICE float from_f32<float>(float x) {
  return x;
}

template <>
LLM2CLIP_HOST_DEVICE F16 from_f32<F16>(float x) {
#if defined(__CUDA_ARCH__)
  return {__half_as_ushort(__float2half_rn(x))};
#else
  F16 value{};
  from_float(&x, Dtype::kF16, reinterpret_cast<std::byte*>(&value), 1);
  return value;
#endif
}

template <>
LLM2CLIP_HOST_DEVICE BF16 from_f32<BF16>(float x) {
#if defined(__CUDA_ARCH__)
  return {__bfloat16_as_ushort(__float2bfloat16_rn(x))};
#else
  BF16 value{};
  from_float(&x, Dtype::kBF16, reinterpret_cast<std::byte*>(&value), 1);
  return value;
#endif
}

// e^x to a few ulp of f32.
LLM2CLIP_HOST_DEVICE float exp_f32(float x) {
#if defined(__CUDA_ARCH__)
  return __expf(x);
#else
  return std::exp(x);
#endif
}

LLM2CLIP_HOST_DEVICE float rsqrt_f32(float x) {
#if defined(__CUDA_ARCH__)
  return rsqrtf(x);
#else
  return 1.0F / std::sqrt(x);
#endif
}

LLM2CLIP_HOST_DEVICE float sigmoid(float x) { return 1.0F / (1.0F + exp_f32(-x)); }

// How many elements a thread processes at once: 16 bytes of a half type, or 32 bytes of f32.
constexpr int kChunk = 8;

struct Chunk {
  float values[kChunk];
};

// `at` is a multiple of kChunk elements from a 16-byte aligned address.
template <typename T>
LLM2CLIP_HOST_DEVICE Chunk load_chunk(const T* at) {
  alignas(16) T stored[kChunk];
#if defined(__CUDA_ARCH__)
  constexpr int kParts = kChunk * sizeof(T) / sizeof(uint4);
#pragma unroll
  for (int i = 0; i < kParts; ++i) {
    reinterpret_cast<uint4*>(stored)[i] = reinterpret_cast<const uint4*>(at)[i];
  }
#else
  std::memcpy(stored, at, sizeof stored);
#endif
  Chunk chunk;
  LLM2CLIP_UNROLL
  for (int i = 0; i < kChunk; ++i) chunk.values[i] = to_f32(stored[i]);
  return chunk;
}

template <typename T>
LLM2CLIP_HOST_DEVICE void store_chunk(T* at, const Chunk& chunk) {
  alignas(16) T stored[kChunk];
  LLM2CLIP_UNROLL
  for (int i = 0; i < kChunk; ++i) stored[i] = from_f32<T>(chunk.values[i]);
#if defined(__CUDA_ARCH__)
  constexpr int kParts = kChunk * sizeof(T) / sizeof(uint4);
#pragma unroll
  for (int i = 0; i < kParts; ++i) {
    reinterpret_cast<uint4*>(at)[i] = reinterpret_cast<const uint4*>(stored)[i];
  }
#else
  std::memcpy(at, stored, sizeof stored);
#endif
}

constexpr int64_t padded_to(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

}  // namespace llm2clip
