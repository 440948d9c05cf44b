#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/tokens.h"

namespace llm2clip {
namespace {

constexpr int kThreads = 256;

template <typename T>
__global__ void __launch_bounds__(kThreads) tokens_kernel(const CudaTokensArguments<T> a) {
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (thread < tokens_threads(a)) token_at(a, thread);
}

}  // namespace

template <typename T>
void tokens_cuda(const CudaTokensArguments<T>& a, CudaStreamHandle stream) {
  launch(tokens_kernel<T>, blocks_of(tokens_threads(a), kThreads), kThreads, stream, a);
}

template void tokens_cuda(const CudaTokensArguments<F16>&, CudaStreamHandle);
template void tokens_cuda(const CudaTokensArguments<BF16>&, CudaStreamHandle);
template void tokens_cuda(const CudaTokensArguments<float>&, CudaStreamHandle);

}  // namespace llm2clip
