#include "gpu_check/trap.h"
#include "kernels/cuda/launch.cuh"

namespace llm2clip {
namespace {

__global__ void trap_kernel() { __trap(); }

}  // namespace

void launch_trap(CudaStreamHandle stream) { launch(trap_kernel, 1, 1, stream); }

}  // namespace llm2clip
