#include "engine/torchscript/operators/int8_linear_operator.h"

#include <ATen/ATen.h>

#include "base/cpu_features.h"
#include "engine/torchscript/operators/kernel_dtype.h"
#include "engine/torchscript/operators/linear_operator.h"
#include "engine/torchscript/operators/panels.h"
#include "engine/torchscript/operators/quantised_input.h"

namespace llm2clip {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

const float* floats(const OptionalTensor& tensor) {
  return tensor ? tensor->const_data_ptr<float>() : nullptr;
}

Tensor multiply_in_int8(const Tensor& x, const Tensor& panels, const Tensor& scales,
                        const OptionalTensor& inverse_smoothing, const OptionalTensor& bias,
                        int64_t out_features) {
  const QuantisedInput q = quantised_input<uint8_t>(x, floats(inverse_smoothing));
  const LinearArguments a{q.values.size(0), q.values.size(1), out_features};
  TORCH_CHECK(panels.size(0) == linear_panels(out_features) &&
                  panels.size(1) == linear_groups<int8_t>(a.in),
              "expected panels of a weight [", out_features, ", ", a.in, "], found ",
              panels.sizes());
  Tensor out = at::empty({a.rows, a.out}, x.options());
  const LinearShares shares = linear_shares(a, at::get_num_threads());
  for_dtype(x, [&]<typename T>() {
    in_shares(shares.count, [&](int64_t share) {
      linear_avx512_vnni(q.values.const_data_ptr<uint8_t>(), panels.const_data_ptr<int8_t>(),
                         {q.scales.const_data_ptr<float>(), scales.const_data_ptr<float>()},
                         floats(bias), mutable_data<T>(out), a, shares, share);
    });
  });
  return out;
}

}  // namespace

bool runs_in_int8() { return cpu_isa() >= Isa::kAvx512Vnni; }

std::string int8_linear_kernel() {
  return runs_in_int8() ? "own, AVX-512 VNNI"
                        : linear_kernel(at::kFloat, at::kFloat) + ", from int8 weights";
}

Tensor prepack_int8_weight(const Tensor& weight, const Tensor& scales) {
  if (runs_in_int8()) return pack_in_panels<int8_t>(weight);
  return prepack_linear_weight(weight.to(at::kFloat) * scales.unsqueeze(1), at::kFloat);
}

Tensor int8_linear(const Tensor& input, const Tensor& weight, const Tensor& scales,
                   const OptionalTensor& inverse_smoothing, const OptionalTensor& bias,
                   int64_t out) {
  const Tensor x = input.flatten(0, -2).contiguous();
  const auto shape = with_last(input.sizes(), out);
  if (weight.scalar_type() == at::kChar) {
    return multiply_in_int8(x, weight, scales, inverse_smoothing, bias, out).view(shape);
  }
  Tensor smooth = x.to(at::kFloat);
  if (inverse_smoothing) smooth = smooth * *inverse_smoothing;
  return linear(smooth, weight, bias, out).to(x.scalar_type()).view(shape);
}

}  // namespace llm2clip
