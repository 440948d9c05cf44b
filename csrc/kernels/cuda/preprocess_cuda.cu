#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/preprocess.h"

namespace llm2clip {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) resample_first_kernel(const CudaPreprocessing p) {
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (thread < p.between_bytes()) resample_first(p, thread);
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    resample_patches_kernel(const CudaPreprocessing p, const PatchGrid grid, T* __restrict__ out) {
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (thread >= patch_threads(grid, 1)) return;
  write_patch(grid, patch_thread(grid, thread), out, ResampledPixel{p});
}

}  // namespace

template <typename T>
void preprocess_cuda(const CudaPreprocessing& p, const PatchGrid& grid, T* out,
                     CudaStreamHandle stream) {
  launch(resample_first_kernel, blocks_of(p.between_bytes(), kThreads), kThreads, stream, p);
  launch(resample_patches_kernel<T>, blocks_of(patch_threads(grid, 1), kThreads), kThreads, stream,
         p, grid, out);
}

template void preprocess_cuda(const CudaPreprocessing&, const PatchGrid&, F16*, CudaStreamHandle);
template void preprocess_cuda(const CudaPreprocessing&, const PatchGrid&, BF16*, CudaStreamHandle);

}  // namespace llm2clip
