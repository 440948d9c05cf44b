// The fused operators of the native flavour, torch.ops.llm2clip.*: shapes and dtypes are checked
// and threads shared out here, the arithmetic is csrc/kernels' or oneDNN's.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include "engine/torchscript/attention_operator.h"
#include "engine/torchscript/kernel_dtype.h"
#include "engine/torchscript/linear_operator.h"
#include "kernels/cpu/gated_norm.h"

namespace llm2clip {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

Tensor patch_embed(const Tensor& pixels, const Tensor& weight, const OptionalTensor& bias,
                   const OptionalTensor& cls, const Tensor& position, int64_t patch) {
  Tensor x = at::conv2d(pixels.to(weight.scalar_type()), weight, bias, {patch, patch});
  x = x.flatten(2).transpose(1, 2);
  if (cls) x = at::cat({cls->expand({x.size(0), -1, -1}), x}, 1);
  return x.add(position);
}

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  return at::layer_norm(x, weight.sizes(), weight, bias, eps);
}

Tensor gated_norm(const Tensor& input, const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor gate_up = input.contiguous();
  const int64_t hidden = weight.numel();
  TORCH_CHECK(gate_up.size(-1) == 2 * hidden, "expected gate and up of ", hidden, " each, found ",
              gate_up.size(-1));
  auto shape = gate_up.sizes().vec();
  shape.back() = hidden;
  Tensor out = at::empty(shape, gate_up.options());
  for_dtype(gate_up, [&]<typename T>() {
    at::parallel_for(0, out.numel() / hidden, 8, [&](int64_t first, int64_t last) {
      gated_norm_rows(data<T>(gate_up), data<T>(weight), data<T>(bias), mutable_data<T>(out),
                      {hidden, eps}, first, last);
    });
  });
  return out;
}

Tensor quick_gelu(const Tensor& x) { return at::sigmoid(x * 1.702).mul_(x); }

Tensor gelu(const Tensor& x, bool tanh) { return at::gelu(x, tanh ? "tanh" : "none"); }

}  // namespace

TORCH_LIBRARY(llm2clip, library) {
  library.def(
      "patch_embed(Tensor pixels, Tensor weight, Tensor? bias, Tensor? cls, Tensor position, "
      "int patch) -> Tensor",
      &patch_embed);
  library.def("layer_norm(Tensor x, Tensor weight, Tensor bias, float eps) -> Tensor", &layer_norm);
  library.def("linear(Tensor x, Tensor weight, Tensor? bias, int out) -> Tensor", &linear);
  library.def("attention(Tensor qkv, int heads, Tensor? angles) -> Tensor", &attention);
  library.def(
      "pool_attention(Tensor query, Tensor weight, Tensor? bias, Tensor kv, int heads) -> Tensor",
      &pool_attention);
  library.def("gated_norm(Tensor gate_up, Tensor weight, Tensor bias, float eps) -> Tensor",
              &gated_norm);
  library.def("quick_gelu(Tensor x) -> Tensor", &quick_gelu);
  library.def("gelu(Tensor x, bool tanh) -> Tensor", &gelu);
}

}  // namespace llm2clip
