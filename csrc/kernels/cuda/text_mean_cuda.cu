#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/text_mean.h"

namespace llm2clip {
namespace {

constexpr int kThreads = 128;

template <typename T>
__global__ void __launch_bounds__(kThreads) text_mean_kernel(const CudaTextMeanArguments<T> a) {
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (thread < text_mean_threads(a)) text_mean_at(a, thread);
}

}  // namespace

template <typename T>
void text_mean_cuda(const CudaTextMeanArguments<T>& a, CudaStreamHandle stream) {
  launch(text_mean_kernel<T>, blocks_of(text_mean_threads(a), kThreads), kThreads, stream, a);
}

template void text_mean_cuda(const CudaTextMeanArguments<F16>&, CudaStreamHandle);
template void text_mean_cuda(const CudaTextMeanArguments<BF16>&, CudaStreamHandle);
template void text_mean_cuda(const CudaTextMeanArguments<float>&, CudaStreamHandle);

}  // namespace llm2clip
