// The fused operators of the native flavour, torch.ops.llm2clip.*. This file checks shapes and
// dtypes and distributes the work over threads; csrc/kernels or oneDNN computes. The type of a norm
// is that of its weights.
#include <ATen/ATen.h>
#include <torch/library.h>

#include "engine/torchscript/operators/attention_operator.h"
#include "engine/torchscript/operators/int8_linear_operator.h"
#include "engine/torchscript/operators/kernel_dtype.h"
#include "engine/torchscript/operators/linear_operator.h"
#include "engine/torchscript/operators/observation.h"
#include "engine/torchscript/operators/shapes.h"
#include "engine/torchscript/operators/shares.h"
#include "kernels/cpu/gated_norm.h"
#include "kernels/cpu/layer_norm.h"

namespace llm2clip::operators {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

// [B, 3, S, S] → [B, n, 3 · P · P]. Each patch is laid out like the weight's rows: by channels,
// then by rows.
Tensor patches(const Tensor& pixels, int64_t patch) {
  const int64_t batch = pixels.size(0), grid = pixels.size(2) / patch, side = grid * patch;
  return pixels.narrow(2, 0, side)
      .narrow(3, 0, side)
      .reshape({batch, 3, grid, patch, grid, patch})
      .permute({0, 2, 4, 1, 3, 5})
      .reshape({batch, grid * grid, 3 * patch * patch});
}

// Returns the residual stream, which stays in f32 whatever the other values are computed in.
Tensor patch_embed(const Tensor& pixels, const Tensor& weight, const OptionalTensor& bias,
                   const OptionalTensor& cls, const Tensor& position, int64_t patch) {
  const Tensor x = patches(pixels, patch).to(position.scalar_type());
  const Tensor matrix = weight.dim() == 4 ? weight.flatten(1) : weight;
  Tensor tokens = linear(x, matrix, bias, position.size(2)).to(at::kFloat);
  if (cls) tokens = at::cat({cls->to(at::kFloat).expand({x.size(0), -1, -1}), tokens}, 1);
  return tokens.add_(position);
}

Tensor layer_norm(const Tensor& input, const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor x = input.contiguous();
  const LayerNormArguments a{weight.numel(), eps};
  Tensor out = at::empty(x.sizes(), weight.options());
  for_dtype(weight, [&]<typename T>() {
    in_row_shares(x.numel() / a.width, [&](int64_t first, int64_t last) {
      if (x.scalar_type() == weight.scalar_type()) {
        layer_norm_rows(data<T>(x), data<T>(weight), data<T>(bias), mutable_data<T>(out), a, first,
                        last);
      } else {
        layer_norm_rows(x.const_data_ptr<float>(), data<T>(weight), data<T>(bias),
                        mutable_data<T>(out), a, first, last);
      }
    });
  });
  return out;
}

// Returns the sum in f32, and its LayerNorm.
std::tuple<Tensor, Tensor> add_layer_norm(const Tensor& stream, const Tensor& delta,
                                          const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor x = stream.to(at::kFloat).contiguous();
  const Tensor y = delta.to(weight.scalar_type()).contiguous();
  const LayerNormArguments a{weight.numel(), eps};
  Tensor sum = at::empty(x.sizes(), x.options()), out = at::empty(x.sizes(), weight.options());
  for_dtype(weight, [&]<typename T>() {
    in_row_shares(x.numel() / a.width, [&](int64_t first, int64_t last) {
      add_layer_norm_rows(x.const_data_ptr<float>(), data<T>(y), data<T>(weight), data<T>(bias),
                          sum.mutable_data_ptr<float>(), mutable_data<T>(out), a, first, last);
    });
  });
  return {sum, out};
}

Tensor gated_norm(const Tensor& input, const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor gate_up = input.contiguous();
  const int64_t hidden = weight.numel();
  TORCH_CHECK(gate_up.size(-1) == 2 * hidden, "expected gate and up of ", hidden, " each, found ",
              gate_up.size(-1));
  Tensor out = at::empty(with_last(gate_up.sizes(), hidden), gate_up.options());
  for_dtype(gate_up, [&]<typename T>() {
    in_row_shares(out.numel() / hidden, [&](int64_t first, int64_t last) {
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
  library.def(
      "add_layer_norm(Tensor x, Tensor y, Tensor weight, Tensor bias, float eps) -> (Tensor, "
      "Tensor)",
      &add_layer_norm);
  // Only for GPUs, whose sessions write it into the graph.
  library.def(
      "norm_head(Tensor x, Tensor y, Tensor weight, Tensor bias, Tensor head, Tensor? head_bias, "
      "float eps) -> Tensor");
  library.def("linear(Tensor x, Tensor weight, Tensor? bias, int out) -> Tensor", &linear);
  library.def(
      "int8_linear(Tensor x, Tensor weight, Tensor scales, Tensor? inverse_smoothing, Tensor? "
      "bias, int out) -> Tensor",
      &int8_linear);
  library.def("observe(Tensor(a) x, Tensor(b!) observation) -> Tensor(a)", &observe);
  library.def("attention(Tensor qkv, int heads, Tensor? angles, bool half=False) -> Tensor",
              &attention);
  library.def(
      "pool_attention(Tensor query, Tensor weight, Tensor? bias, Tensor kv, int heads) -> Tensor",
      &pool_attention);
  library.def("gated_norm(Tensor gate_up, Tensor weight, Tensor bias, float eps) -> Tensor",
              &gated_norm);
  library.def("quick_gelu(Tensor x) -> Tensor", &quick_gelu);
  library.def("gelu(Tensor x, bool tanh) -> Tensor", &gelu);
}

}  // namespace llm2clip::operators
