#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/quick_gelu.h"

namespace llm2clip {
namespace {

constexpr int kThreads = 256;

template <typename T>
__global__ void __launch_bounds__(kThreads)
    quick_gelu_kernel(const T* x, T* out, const int64_t chunks) {
  const int64_t chunk = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (chunk >= chunks) return;
  store_chunk(out + chunk * kChunk, quick_gelu_chunk(load_chunk(x + chunk * kChunk)));
}

}  // namespace

template <typename T>
void quick_gelu_cuda(const T* x, T* out, int64_t count, CudaStreamHandle stream) {
  const int64_t chunks = count / kChunk;
  launch(quick_gelu_kernel<T>, blocks_of(chunks, kThreads), kThreads, stream, x, out, chunks);
}

template void quick_gelu_cuda(const F16*, F16*, int64_t, CudaStreamHandle);
template void quick_gelu_cuda(const BF16*, BF16*, int64_t, CudaStreamHandle);
template void quick_gelu_cuda(const float*, float*, int64_t, CudaStreamHandle);

}  // namespace llm2clip
