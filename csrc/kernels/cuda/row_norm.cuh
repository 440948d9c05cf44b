#pragma once

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/row_norm.h"

namespace llm2clip {

__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    x += __shfl_xor_sync(0xffffffffU, x, distance);
  }
  return x;
}

// Returns the sum over the threads of a row in each of them. `shared` has one number per warp. It
// may be overwritten when the next sum begins.
template <int kThreads>
__device__ __forceinline__ float row_sum(float x, float* shared) {
  x = warp_sum(x);
  if constexpr (kThreads == kWarp) return x;
  if (threadIdx.x % kWarp == 0) shared[threadIdx.x / kWarp] = x;
  __syncthreads();
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kThreads / kWarp; ++i) sum += shared[i];
  return sum;
}

template <typename Source, typename T, Centre kCentre = Centre::kMean>
struct RowNorm {
  Source source;
  const T* weight;
  const T* bias;  // or nullptr
  T* out;
  int64_t rows;
  RowShape shape;
  float eps;
};

template <int kThreads, int kChunks, typename Source, typename T, Centre kCentre>
__global__ void __launch_bounds__(kRowBlock) row_norm_kernel(const RowNorm<Source, T, kCentre> a) {
  __shared__ float shared[2][kRowBlock / kWarp];
  const auto [row, thread] = row_place(blockIdx.x, threadIdx.x, kThreads);
  // If several rows share a block, they use no barrier, so a whole warp may return here.
  if (row >= a.rows) return;
  RowPart<kChunks> part;
  const auto width = static_cast<float>(a.shape.width);
  const float sum = part.load(a.source, row, a.shape, thread, kThreads);
  float mean = 0;
  if constexpr (kCentre == Centre::kMean) mean = row_sum<kThreads>(sum, shared[0]) / width;
  const float squares = part.centre(mean, a.shape, thread, kThreads);
  const float variance = row_sum<kThreads>(squares, shared[1]) / width;
  part.store(a.out, row, a.weight, a.bias, rsqrtf(variance + a.eps), a.shape, thread, kThreads);
}

template <int kThreads, int kChunks, typename Source, typename T, Centre kCentre>
void launch_row_norm_of(const RowNorm<Source, T, kCentre>& a, CudaStreamHandle stream) {
  constexpr int kRows = kRowBlock / kThreads;
  launch(row_norm_kernel<kThreads, kChunks, Source, T, kCentre>, blocks_of(a.rows, kRows),
         kRowBlock, stream, a);
}

// When a whole block works on a row, each thread has at least two chunks: see row_launch().
template <int kThreads, typename Norm>
void launch_row_norm_with(int chunks, const Norm& a, CudaStreamHandle stream) {
  if constexpr (kThreads == kWarp) {
    if (chunks == 1) return launch_row_norm_of<kThreads, 1>(a, stream);
  }
  switch (chunks) {
    case 2: return launch_row_norm_of<kThreads, 2>(a, stream);
    case 3: return launch_row_norm_of<kThreads, 3>(a, stream);
    case 4: return launch_row_norm_of<kThreads, 4>(a, stream);
    case 5: return launch_row_norm_of<kThreads, 5>(a, stream);
    default: return launch_row_norm_of<kThreads, kMostChunks>(a, stream);
  }
}

// `a` is a RowNorm.
template <typename Norm>
void launch_row_norm(const Norm& a, CudaStreamHandle stream) {
  const RowLaunch how = row_launch(a.shape.stride);
  if (how.threads == kWarp) return launch_row_norm_with<kWarp>(how.chunks, a, stream);
  launch_row_norm_with<kRowBlock>(how.chunks, a, stream);
}

}  // namespace llm2clip
