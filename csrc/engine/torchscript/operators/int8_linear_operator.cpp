#include "engine/torchscript/operators/int8_linear_operator.h"

#include <ATen/ATen.h>

#include "base/cpu_features.h"
#include "engine/torchscript/operators/kernel_dtype.h"
#include "engine/torchscript/operators/large_result.h"
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

struct Int8Linear {
  const Tensor &x, &panels, &scales;
  const OptionalTensor &inverse_smoothing, &bias;
  int64_t out;
};

// Q is the type of the rounded inputs that the kernel `multiply` takes.
template <typename Q, typename Multiply>
Tensor multiply_rounded(const Int8Linear& l, const Multiply& multiply) {
  const QuantisedInput q = quantised_input<Q, int8_t>(l.x, floats(l.inverse_smoothing));
  const LinearArguments a{q.values.size(0), q.values.size(1), l.out};
  TORCH_CHECK(
      l.panels.size(0) == linear_panels(l.out) && l.panels.size(1) == linear_groups<int8_t>(a.in),
      "expected panels of a weight [", l.out, ", ", a.in, "], found ", l.panels.sizes());
  Tensor out = empty_result({a.rows, a.out}, l.x.scalar_type());
  const LinearShares shares = linear_shares(a, at::get_num_threads());
  const Int8Scales scales{q.scales.const_data_ptr<float>(), l.scales.const_data_ptr<float>()};
  for_dtype(l.x, [&]<typename T>() {
    in_shares(shares.count, [&](int64_t share) {
      multiply(q.values.const_data_ptr<Q>(), l.panels.const_data_ptr<int8_t>(), scales,
               floats(l.bias), mutable_data<T>(out), a, shares, share);
    });
  });
  return out;
}

Tensor multiply_in_int8(const Int8Linear& l) {
  const Isa isa = cpu_isa();
  if (isa >= Isa::kAvx512Vnni) {
    return multiply_rounded<uint8_t>(l, [](auto&&... all) { linear_avx512_vnni(all...); });
  }
  if (isa == Isa::kAvx2) {
    return multiply_rounded<int16_t>(l, [](auto&&... all) { linear_int8_avx2(all...); });
  }
  if (has_avx_vnni()) {
    return multiply_rounded<uint8_t>(l, [](auto&&... all) { linear_int8_avx_vnni(all...); });
  }
  return multiply_rounded<uint8_t>(l, [](auto&&... all) { linear_int8_256_avx512_vnni(all...); });
}

PanelLayout int8_layout() {
  const Isa isa = cpu_isa();
  if (isa >= Isa::kAvx512Vnni) return kWholePanels;
  return isa == Isa::kAvx2 ? kStripsOfPairs : kStrips;
}

}  // namespace

bool runs_in_int8() {
  const Isa isa = cpu_isa();
  return isa == Isa::kAvx2 || isa == Isa::kAvxVnni || isa >= Isa::kAvx512Vnni;
}

std::string int8_linear_kernel() {
  if (!runs_in_int8()) return linear_kernel(at::kFloat, at::kFloat) + ", from int8 weights";
  const Isa isa = cpu_isa();
  if (isa == Isa::kAvx2) return "own, AVX2";
  return isa == Isa::kAvxVnni ? "own, AVX-VNNI" : "own, AVX-512 VNNI";
}

Tensor prepack_int8_weight(const Tensor& weight, const Tensor& scales) {
  if (runs_in_int8()) return pack_in_panels<int8_t>(weight, int8_layout());
  return prepack_linear_weight(weight.to(at::kFloat) * scales.unsqueeze(1), at::kFloat);
}

Tensor int8_linear(const Tensor& input, const Tensor& weight, const Tensor& scales,
                   const OptionalTensor& inverse_smoothing, const OptionalTensor& bias,
                   int64_t out) {
  const Tensor x = input.flatten(0, -2).contiguous();
  const auto shape = with_last(input.sizes(), out);
  if (weight.scalar_type() == at::kChar) {
    return multiply_in_int8({x, weight, scales, inverse_smoothing, bias, out}).view(shape);
  }
  Tensor smooth = x.to(at::kFloat);
  if (inverse_smoothing) smooth = smooth * *inverse_smoothing;
  return linear(smooth, weight, bias, out).to(x.scalar_type()).view(shape);
}

}  // namespace llm2clip
