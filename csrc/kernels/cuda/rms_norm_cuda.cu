#include "kernels/cuda/rms_norm.h"

#include "kernels/cuda/row_norm.cuh"

namespace llm2clip {

template <typename T>
void rms_norm_cuda(const float* x, const T* weight, T* out, const CudaNormArguments& a,
                   CudaStreamHandle stream) {
  const RowNorm<StoredRow<float>, T, Centre::kNothing> norm{
      {x, a.width}, weight, nullptr, out, a.rows, {a.width, a.width}, a.eps};
  launch_row_norm(norm, stream);
}

template <typename T>
void add_rms_norm_cuda(const float* x, const T* y, const T* weight, float* sum, T* out,
                       const CudaNormArguments& a, CudaStreamHandle stream) {
  const RowNorm<AddedRow<T>, T, Centre::kNothing> norm{
      {x, y, sum, a.width}, weight, nullptr, out, a.rows, {a.width, a.width}, a.eps};
  launch_row_norm(norm, stream);
}

template void rms_norm_cuda(const float*, const F16*, F16*, const CudaNormArguments&,
                            CudaStreamHandle);
template void rms_norm_cuda(const float*, const BF16*, BF16*, const CudaNormArguments&,
                            CudaStreamHandle);
template void rms_norm_cuda(const float*, const float*, float*, const CudaNormArguments&,
                            CudaStreamHandle);
template void add_rms_norm_cuda(const float*, const F16*, const F16*, float*, F16*,
                                const CudaNormArguments&, CudaStreamHandle);
template void add_rms_norm_cuda(const float*, const BF16*, const BF16*, float*, BF16*,
                                const CudaNormArguments&, CudaStreamHandle);
template void add_rms_norm_cuda(const float*, const float*, const float*, float*, float*,
                                const CudaNormArguments&, CudaStreamHandle);

}  // namespace llm2clip
