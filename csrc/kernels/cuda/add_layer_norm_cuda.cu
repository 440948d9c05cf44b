#include "kernels/cuda/layer_norm.h"
#include "kernels/cuda/row_norm.cuh"

namespace llm2clip {

template <typename T>
void add_layer_norm_cuda(const float* x, const T* y, const T* weight, const T* bias, float* sum,
                         T* out, const CudaNormArguments& a, CudaStreamHandle stream) {
  const RowNorm<AddedRow<T>, T> norm{{x, y, sum, a.width}, weight, bias, out, a.rows,
                                     {a.width, a.width},   a.eps};
  launch_row_norm(norm, stream);
}

template void add_layer_norm_cuda(const float*, const F16*, const F16*, const F16*, float*, F16*,
                                  const CudaNormArguments&, CudaStreamHandle);
template void add_layer_norm_cuda(const float*, const BF16*, const BF16*, const BF16*, float*,
                                  BF16*, const CudaNormArguments&, CudaStreamHandle);
template void add_layer_norm_cuda(const float*, const float*, const float*, const float*, float*,
                                  float*, const CudaNormArguments&, CudaStreamHandle);

}  // namespace llm2clip
