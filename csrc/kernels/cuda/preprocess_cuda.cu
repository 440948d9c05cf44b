#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/preprocess.h"

namespace llm2clip {
namespace {

constexpr int kThreads = 256;

template <bool kRowsFirst>
__global__ void __launch_bounds__(kThreads) resample_first_kernel(const CudaPreprocessing p) {
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (thread < p.between_bytes()) resample_first<kRowsFirst>(p, thread);
}

template <bool kRowsFirst, typename T>
__global__ void __launch_bounds__(kThreads)
    resample_patches_kernel(const CudaPreprocessing p, const PatchGrid grid, T* __restrict__ out) {
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (thread >= patch_threads(grid, 1)) return;
  write_patch(grid, patch_thread(grid, thread), out, ResampledPixel<kRowsFirst>{p});
}

template <bool kRowsFirst, typename T>
void launch_passes(const CudaPreprocessing& p, const PatchGrid& grid, T* out,
                   CudaStreamHandle stream) {
  launch(resample_first_kernel<kRowsFirst>, blocks_of(p.between_bytes(), kThreads), kThreads,
         stream, p);
  launch(resample_patches_kernel<kRowsFirst, T>, blocks_of(patch_threads(grid, 1), kThreads),
         kThreads, stream, p, grid, out);
}

}  // namespace

template <typename T>
void preprocess_cuda(const CudaPreprocessing& p, const PatchGrid& grid, T* out,
                     CudaStreamHandle stream) {
  (p.rows_first ? launch_passes<true, T> : launch_passes<false, T>)(p, grid, out, stream);
}

template void preprocess_cuda(const CudaPreprocessing&, const PatchGrid&, F16*, CudaStreamHandle);
template void preprocess_cuda(const CudaPreprocessing&, const PatchGrid&, BF16*, CudaStreamHandle);
template void preprocess_cuda(const CudaPreprocessing&, const PatchGrid&, float*, CudaStreamHandle);

}  // namespace llm2clip
