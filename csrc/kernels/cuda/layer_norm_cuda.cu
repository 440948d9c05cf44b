#include "kernels/cuda/layer_norm.h"

#include "kernels/cuda/row_norm.cuh"

namespace llm2clip {

template <typename X, typename T>
void layer_norm_cuda(const X* x, int64_t stride, const T* weight, const T* bias, T* out,
                     const CudaNormArguments& a, CudaStreamHandle stream) {
  const RowNorm<StoredRow<X>, T> norm{{x, stride},        weight, bias, out, a.rows,
                                      {a.width, a.width}, a.eps};
  launch_row_norm(norm, stream);
}

template void layer_norm_cuda(const float*, int64_t, const F16*, const F16*, F16*,
                              const CudaNormArguments&, CudaStreamHandle);
template void layer_norm_cuda(const F16*, int64_t, const F16*, const F16*, F16*,
                              const CudaNormArguments&, CudaStreamHandle);
template void layer_norm_cuda(const float*, int64_t, const BF16*, const BF16*, BF16*,
                              const CudaNormArguments&, CudaStreamHandle);
template void layer_norm_cuda(const BF16*, int64_t, const BF16*, const BF16*, BF16*,
                              const CudaNormArguments&, CudaStreamHandle);
template void layer_norm_cuda(const float*, int64_t, const float*, const float*, float*,
                              const CudaNormArguments&, CudaStreamHandle);

}  // namespace llm2clip
