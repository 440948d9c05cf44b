// The fused operators of the native flavour, torch.ops.llm2clip.*. This file checks shapes and
// dtypes; csrc/ops or oneDNN computes. The type of a norm is that of its weights.
#include <ATen/ATen.h>
#include <torch/library.h>

#include "engine/torchscript/operators/attention_operator.h"
#include "engine/torchscript/operators/int8_linear_operator.h"
#include "engine/torchscript/operators/linear_operator.h"
#include "engine/torchscript/operators/shapes.h"
#include "engine/torchscript/operators/tensor_matrix.h"
#include "engine/torchscript/operators/torch_workers.h"
#include "ops/activation.h"
#include "ops/norms.h"
#include "ops/patches.h"

namespace llm2clip::operators {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

// [B, 3, S, S] → [B, n, 3 · P · P]
Tensor patches(const Tensor& input, int64_t patch, at::ScalarType type) {
  const Tensor pixels = input.to(at::kFloat).contiguous();
  const int64_t size = pixels.size(2), grid = size / patch;
  TORCH_CHECK(pixels.size(1) == 3 && pixels.size(3) == size, "expected pixels [B, 3, S, S], found ",
              pixels.sizes());
  Tensor out =
      at::empty({pixels.size(0), grid * grid, 3 * patch * patch}, pixels.options().dtype(type));
  llm2clip::patches(torch_workers(), pixels.const_data_ptr<float>(), size, patch, result_of(out));
  return out;
}

// Returns the residual stream, which stays in f32 whatever the other values are computed in.
Tensor patch_embed(const Tensor& pixels, const Tensor& weight, const OptionalTensor& bias,
                   const OptionalTensor& cls, const Tensor& position, int64_t patch) {
  const Tensor matrix = weight.dim() == 4 ? weight.flatten(1) : weight;
  const Tensor x =
      linear(patches(pixels, patch, position.scalar_type()), matrix, bias, position.size(2))
          .contiguous();
  const int64_t tokens = x.size(1) + (cls ? 1 : 0);
  TORCH_CHECK(position.size(1) == tokens && position.is_contiguous() &&
                  (!cls || cls->scalar_type() == position.scalar_type()),
              "expected positions of ", tokens, " tokens, found ", position.sizes());
  Tensor out = at::empty({x.size(0), tokens, x.size(2)}, x.options().dtype(at::kFloat));
  patch_tokens(torch_workers(), {matrix_of(position), cls ? cls->const_data_ptr() : nullptr},
               matrix_of(x), result_of(out));
  return out;
}

LayerNormWeights weights_of(const Tensor& weight, const Tensor& bias, double eps) {
  return {weight.const_data_ptr(), bias.const_data_ptr(), eps};
}

Tensor layer_norm(const Tensor& input, const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor x = input.contiguous();
  Tensor out = at::empty(x.sizes(), weight.options());
  llm2clip::layer_norm(torch_workers(), weights_of(weight, bias, eps), matrix_of(x),
                       result_of(out));
  return out;
}

// Returns the sum in f32, and its LayerNorm.
std::tuple<Tensor, Tensor> add_layer_norm(const Tensor& stream, const Tensor& delta,
                                          const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor x = stream.to(at::kFloat).contiguous();
  const Tensor y = delta.to(weight.scalar_type()).contiguous();
  Tensor sum = at::empty(x.sizes(), x.options()), out = at::empty(x.sizes(), weight.options());
  llm2clip::add_layer_norm(torch_workers(), weights_of(weight, bias, eps), matrix_of(x),
                           matrix_of(y), result_of(sum), result_of(out));
  return {sum, out};
}

Tensor gated_norm(const Tensor& input, const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor gate_up = input.contiguous();
  const int64_t hidden = weight.numel();
  TORCH_CHECK(gate_up.size(-1) == 2 * hidden, "expected gate and up of ", hidden, " each, found ",
              gate_up.size(-1));
  Tensor out = at::empty(with_last(gate_up.sizes(), hidden), gate_up.options());
  llm2clip::gated_norm(torch_workers(), weights_of(weight, bias, eps), matrix_of(gate_up),
                       result_of(out));
  return out;
}

Tensor quick_gelu(const Tensor& input) {
  const Tensor x = input.contiguous();
  Tensor out = at::empty_like(x);
  llm2clip::quick_gelu(torch_workers(), matrix_of(x), result_of(out));
  return out;
}

Tensor gelu(const Tensor& input, bool tanh) {
  const Tensor x = input.contiguous();
  Tensor out = at::empty_like(x);
  if (tanh) {
    llm2clip::gelu_tanh(torch_workers(), matrix_of(x), result_of(out));
  } else {
    llm2clip::gelu(torch_workers(), matrix_of(x), result_of(out));
  }
  return out;
}

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
