#include "engine/torchscript/operators/linear_operator.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "base/cpu_features.h"
#include "engine/torchscript/operators/panels.h"

namespace llm2clip::operators {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

// oneDNN is faster than this project's kernels where there is AMX, which they do not use, and where
// there is no AVX2.
bool runs_in_panels(at::ScalarType type) {
  return type == at::kFloat ? cpu_isa() >= Isa::kAvx2 : cpu_isa() == Isa::kAvx512Bf16;
}

OptionalTensor typed_as(const OptionalTensor& bias, const Tensor& x) {
  return bias ? OptionalTensor(bias->to(x.scalar_type())) : bias;
}

Tensor linear_onednn(const Tensor& x, const Tensor& weight, const OptionalTensor& bias) {
  using Signature = Tensor(const Tensor&, const Tensor&, const OptionalTensor&, std::string_view,
                           c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                             .typed<Signature>();
  return op.call(x.contiguous(), weight, typed_as(bias, x), "none",
                 c10::List<std::optional<at::Scalar>>(), "");
}

Tensor prepack_onednn(const Tensor& weight) {
  using Signature = Tensor(const Tensor&, std::optional<int64_t>);
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                             .typed<Signature>();
  return op.call(weight.contiguous(), std::nullopt);
}

}  // namespace

std::string linear_kernel(at::ScalarType stored, at::ScalarType type) {
  return runs_in_panels(type) ? llm2clip::linear_kernel(weight_type(stored)) : "oneDNN, prepacked";
}

Tensor prepack_linear_weight(const Tensor& weight, at::ScalarType type) {
  return runs_in_panels(type) ? pack_in_panels(weight) : prepack_onednn(weight.to(type));
}

Tensor linear(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, int64_t out) {
  if (weight.is_mkldnn()) return linear_onednn(x, weight, bias);
  if (weight.dim() == 3) return multiply_panels(x, {weight, bias, out});
  return at::linear(x, weight, typed_as(bias, x));
}

}  // namespace llm2clip::operators
