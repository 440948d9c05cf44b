#include "kernels/cuda/gated_norm.h"

#include "kernels/cuda/row_norm.cuh"

namespace llm2clip {

template <typename T>
void gated_norm_cuda(const T* gate_up, const T* weight, const T* bias, T* out,
                     const CudaGatedNormArguments& a, CudaStreamHandle stream) {
  const RowNorm<GatedRow<T>, T> norm{{gate_up, a.padded},  weight, bias, out, a.rows,
                                     {a.hidden, a.padded}, a.eps};
  launch_row_norm(norm, stream);
}

template void gated_norm_cuda(const F16*, const F16*, const F16*, F16*,
                              const CudaGatedNormArguments&, CudaStreamHandle);
template void gated_norm_cuda(const BF16*, const BF16*, const BF16*, BF16*,
                              const CudaGatedNormArguments&, CudaStreamHandle);
template void gated_norm_cuda(const float*, const float*, const float*, float*,
                              const CudaGatedNormArguments&, CudaStreamHandle);

}  // namespace llm2clip
