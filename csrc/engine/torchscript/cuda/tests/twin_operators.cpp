// The GPU's operators on the host: with the launchers of csrc/tests/cuda_twin_launchers.cpp, and
// attention, which is libtorch's on a GPU, libtorch's here.
#include <ATen/ATen.h>

#include "engine/torchscript/cuda/attention_cuda.h"
#include "engine/torchscript/cuda/element_type.h"
#include "engine/torchscript/cuda/operators_cuda.h"

namespace llm2clip {

CudaStreamHandle current_stream(const at::Tensor&) { return nullptr; }

at::Tensor attend_cuda(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const auto wide = [](const at::Tensor& x) { return x.to(at::kFloat); };
  return at::scaled_dot_product_attention(wide(q), wide(k), wide(v))
      .transpose(1, 2)
      .flatten(2)
      .to(q.scalar_type());
}

TORCH_LIBRARY_IMPL(llm2clip, CPU, library) { implement_operators(library); }

}  // namespace llm2clip
