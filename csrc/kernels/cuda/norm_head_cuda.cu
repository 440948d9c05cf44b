#include "kernels/cuda/norm_head.h"
#include "kernels/cuda/norm_head_tile.h"
#include "kernels/cuda/row_norm.cuh"

namespace llm2clip {
namespace {

template <typename T, int kChunks>
__device__ __forceinline__ void normalise_row(const CudaNormHead<T>& a, int64_t first, int row,
                                              int lane, NormalRows<kChunks>& normal) {
  const RowShape shape{a.width, a.width};
  const auto width = static_cast<float>(a.width);
  RowPart<kChunks> part;
  const LastSum<T> source{a.x, a.y, a.width};
  const float mean = warp_sum(part.load(source, first + row, shape, lane, kWarp)) / width;
  const float variance = warp_sum(part.centre(mean, shape, lane, kWarp)) / width;
  keep_normal(a, part, rsqrtf(variance + a.eps), row, lane, normal);
}

template <typename T, int kChunks>
__global__ void __launch_bounds__(kHeadBlock) norm_head_kernel(const CudaNormHead<T> a) {
  __shared__ NormalRows<kChunks> normal;
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const HeadTile tile = head_tile(a, blockIdx.x, warp);
  if (warp < tile.rows) normalise_row(a, tile.row, warp, lane, normal);
  __syncthreads();
  const HeadSums sums = head_sums(a, tile, normal, lane);
#pragma unroll
  for (int row = 0; row < kHeadRows; ++row) {
    if (row >= tile.rows) continue;
#pragma unroll
    for (int o = 0; o < kHeadOutputs; ++o) {
      const float sum = warp_sum(sums.of[o][row]);
      if (lane == 0) write_head(a, tile, o, row, sum);
    }
  }
}

template <int kChunks, typename T>
void launch_norm_head(const CudaNormHead<T>& a, CudaStreamHandle stream) {
  launch(norm_head_kernel<T, kChunks>, blocks_of(head_blocks(a), 1), kHeadBlock, stream, a);
}

}  // namespace

template <typename T>
void norm_head_cuda(const CudaNormHead<T>& a, CudaStreamHandle stream) {
  switch (row_launch(a.width).chunks) {
    case 1: return launch_norm_head<1>(a, stream);
    case 2: return launch_norm_head<2>(a, stream);
    case 3: return launch_norm_head<3>(a, stream);
    case 4: return launch_norm_head<4>(a, stream);
    case 5: return launch_norm_head<5>(a, stream);
    default: return launch_norm_head<kMostChunks>(a, stream);
  }
}

template void norm_head_cuda(const CudaNormHead<F16>&, CudaStreamHandle);
template void norm_head_cuda(const CudaNormHead<BF16>&, CudaStreamHandle);
template void norm_head_cuda(const CudaNormHead<float>&, CudaStreamHandle);

}  // namespace llm2clip
