#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/rope.h"

namespace llm2clip {
namespace {

constexpr int kThreads = 128;

template <typename T>
__global__ void __launch_bounds__(kThreads) rope_kernel(const CudaRopeArguments<T> a) {
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (thread < rope_threads(a)) rope_at(a, rope_thread(a, thread));
}

}  // namespace

template <typename T>
void rope_cuda(const CudaRopeArguments<T>& a, CudaStreamHandle stream) {
  launch(rope_kernel<T>, blocks_of(rope_threads(a), kThreads), kThreads, stream, a);
}

template void rope_cuda(const CudaRopeArguments<F16>&, CudaStreamHandle);
template void rope_cuda(const CudaRopeArguments<BF16>&, CudaStreamHandle);
template void rope_cuda(const CudaRopeArguments<float>&, CudaStreamHandle);

}  // namespace llm2clip
