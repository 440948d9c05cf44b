#include "engine/torchscript/linear_operator.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "base/cpu_features.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/tile.h"

namespace llm2clip {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

bool runs_in_panels(at::ScalarType type) { return type == at::kFloat && has_avx512(); }

Tensor in_panels(const Tensor& weight) {
  const LinearArguments arguments{0, weight.size(1), weight.size(0)};
  Tensor packed =
      at::empty({linear_panels(arguments.out), arguments.in, kTileColumns}, weight.options());
  at::parallel_for(0, packed.size(0), 1, [&](int64_t first, int64_t last) {
    pack_linear_weight(weight.const_data_ptr<float>(), packed.mutable_data_ptr<float>(), arguments,
                       first, last);
  });
  return packed;
}

Tensor linear_in_panels(const Tensor& input, const Tensor& panels, const OptionalTensor& bias,
                        int64_t out_features) {
  const Tensor x = input.contiguous();
  const LinearArguments arguments{x.numel() / x.size(-1), x.size(-1), out_features};
  TORCH_CHECK(panels.size(0) == linear_panels(out_features) && panels.size(1) == arguments.in,
              "expected panels of a weight [", out_features, ", ", arguments.in, "], found ",
              panels.sizes());
  auto shape = x.sizes().vec();
  shape.back() = out_features;
  Tensor out = at::empty(shape, x.options());
  const LinearShares shares = linear_shares(arguments, at::get_num_threads());
  at::parallel_for(0, shares.count, 1, [&](int64_t first, int64_t last) {
    linear_avx512(x.const_data_ptr<float>(), panels.const_data_ptr<float>(),
                  bias ? bias->const_data_ptr<float>() : nullptr, out.mutable_data_ptr<float>(),
                  arguments, shares, first, last);
  });
  return out;
}

Tensor linear_onednn(const Tensor& x, const Tensor& weight, const OptionalTensor& bias) {
  using Signature = Tensor(const Tensor&, const Tensor&, const OptionalTensor&, std::string_view,
                           c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                             .typed<Signature>();
  return op.call(x.contiguous(), weight, bias, "none", c10::List<std::optional<at::Scalar>>(), "");
}

}  // namespace

std::string linear_kernel(at::ScalarType type) {
  return runs_in_panels(type) ? "own, AVX-512" : "oneDNN, prepacked";
}

Tensor prepack_linear_weight(const Tensor& weight) {
  if (runs_in_panels(weight.scalar_type())) return in_panels(weight.contiguous());
  using Signature = Tensor(const Tensor&, std::optional<int64_t>);
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                             .typed<Signature>();
  return op.call(weight.contiguous(), std::nullopt);
}

Tensor linear(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, int64_t out) {
  if (weight.is_mkldnn()) return linear_onednn(x, weight, bias);
  if (weight.dim() == 3) return linear_in_panels(x, weight, bias, out);
  return at::linear(x, weight, bias);
}

}  // namespace llm2clip
