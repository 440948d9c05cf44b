#include "kernels/cuda/gate.h"
#include "kernels/cuda/launch.cuh"

namespace llm2clip {
namespace {

constexpr int kThreads = 128;

template <typename T>
__global__ void __launch_bounds__(kThreads) gate_kernel(const CudaGateArguments<T> a) {
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (thread < gate_threads(a)) gate_at(a, thread);
}

}  // namespace

template <typename T>
void gate_cuda(const CudaGateArguments<T>& a, CudaStreamHandle stream) {
  launch(gate_kernel<T>, blocks_of(gate_threads(a), kThreads), kThreads, stream, a);
}

template void gate_cuda(const CudaGateArguments<F16>&, CudaStreamHandle);
template void gate_cuda(const CudaGateArguments<BF16>&, CudaStreamHandle);
template void gate_cuda(const CudaGateArguments<float>&, CudaStreamHandle);

}  // namespace llm2clip
