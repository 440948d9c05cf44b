#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/text_rope.h"

namespace llm2clip {
namespace {

constexpr int kThreads = 128;

template <typename T>
__global__ void __launch_bounds__(kThreads) text_rope_kernel(const CudaTextRopeArguments<T> a) {
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (thread < text_rope_threads(a)) text_rope_at(a, thread);
}

}  // namespace

template <typename T>
void text_rope_cuda(const CudaTextRopeArguments<T>& a, CudaStreamHandle stream) {
  launch(text_rope_kernel<T>, blocks_of(text_rope_threads(a), kThreads), kThreads, stream, a);
}

template void text_rope_cuda(const CudaTextRopeArguments<F16>&, CudaStreamHandle);
template void text_rope_cuda(const CudaTextRopeArguments<BF16>&, CudaStreamHandle);
template void text_rope_cuda(const CudaTextRopeArguments<float>&, CudaStreamHandle);

}  // namespace llm2clip
