#include "engine/torchscript/cuda/linear_cuda.h"

#include <ATen/ATen.h>

#include "engine/torchscript/operators/shapes.h"

namespace llm2clip {

at::Tensor linear_cuda(const at::Tensor& input, const at::Tensor& weight,
                       const std::optional<at::Tensor>& bias) {
  const at::Tensor x = input.to(weight.scalar_type()).contiguous();
  TORCH_CHECK(x.size(-1) == weight.size(1), "expected inputs of ", weight.size(1), ", found ",
              x.size(-1));
  const at::Tensor rows = x.view({-1, x.size(-1)});
  const at::Tensor out =
      bias ? at::addmm(bias->to(weight.scalar_type()), rows, weight.t()) : at::mm(rows, weight.t());
  return out.view(with_last(x.sizes(), weight.size(0)));
}

}  // namespace llm2clip
