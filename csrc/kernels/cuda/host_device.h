#pragma once

// Index maps and element functions are compiled twice: by nvcc for the GPU, and by the host's
// compiler for the twins in csrc/tests, which run the same tiles, blocks and threads.
#if defined(__CUDACC__)
#define LLM2CLIP_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define LLM2CLIP_HOST_DEVICE inline
#endif

#if defined(__CUDA_ARCH__)
#define LLM2CLIP_UNROLL _Pragma("unroll")
#else
#define LLM2CLIP_UNROLL
#endif
