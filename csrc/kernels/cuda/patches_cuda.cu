#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/patches.h"

namespace llm2clip {
namespace {

constexpr int kThreads = 256;

template <typename T>
__global__ void __launch_bounds__(kThreads)
    patches_kernel(const float* __restrict__ pixels, T* __restrict__ out, const PatchGrid grid,
                   const int64_t batch) {
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (thread >= patch_threads(grid, batch)) return;
  const PatchThread at = patch_thread(grid, thread);
  write_patch(grid, at, out, StoredPixel{pixels, at.image, grid.size});
}

}  // namespace

template <typename T>
void patches_cuda(const float* pixels, T* out, const PatchGrid& grid, int64_t batch,
                  CudaStreamHandle stream) {
  launch(patches_kernel<T>, blocks_of(patch_threads(grid, batch), kThreads), kThreads, stream,
         pixels, out, grid, batch);
}

template void patches_cuda(const float*, F16*, const PatchGrid&, int64_t, CudaStreamHandle);
template void patches_cuda(const float*, BF16*, const PatchGrid&, int64_t, CudaStreamHandle);
template void patches_cuda(const float*, float*, const PatchGrid&, int64_t, CudaStreamHandle);

}  // namespace llm2clip
