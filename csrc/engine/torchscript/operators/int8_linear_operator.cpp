#include "engine/torchscript/operators/int8_linear_operator.h"

#include <ATen/ATen.h>

#include "base/cpu_features.h"
#include "engine/torchscript/operators/linear_operator.h"
#include "engine/torchscript/operators/panels.h"

namespace llm2clip::operators {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

const float* floats(const OptionalTensor& tensor) {
  return tensor ? tensor->const_data_ptr<float>() : nullptr;
}

// Where there is no AVX2, oneDNN is faster.
bool runs_in_panels() { return cpu_isa() >= Isa::kAvx2; }

}  // namespace

std::string int8_linear_kernel() {
  if (runs_in_panels()) return llm2clip::linear_kernel(WeightType::kInt8);
  return linear_kernel(at::kFloat, at::kFloat) + ", from int8 weights";
}

Tensor prepack_int8_weight(const Tensor& weight, const Tensor& scales) {
  if (runs_in_panels()) return pack_in_panels(weight);
  return prepack_linear_weight(weight.to(at::kFloat) * scales.unsqueeze(1), at::kFloat);
}

Tensor int8_linear(const Tensor& x, const Tensor& weight, const Tensor& scales,
                   const OptionalTensor& inverse_smoothing, const OptionalTensor& bias,
                   int64_t out) {
  if (weight.scalar_type() == at::kChar) {
    return multiply_panels(
        x, {weight, bias, out, scales.const_data_ptr<float>(), floats(inverse_smoothing)});
  }
  Tensor smooth = x.to(at::kFloat);
  if (inverse_smoothing) smooth = smooth * *inverse_smoothing;
  return linear(smooth, weight, bias, out).to(x.scalar_type());
}

}  // namespace llm2clip::operators
