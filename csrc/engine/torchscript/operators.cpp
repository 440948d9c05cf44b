// The fused operators of the native flavour, torch.ops.llm2clip.*: shapes and dtypes are checked
// and threads shared out here, the arithmetic is csrc/kernels' or oneDNN's.
#include "engine/torchscript/operators.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include "kernels/cpu/gated_norm.h"
#include "kernels/cpu/rope.h"

namespace llm2clip {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

// bf16 travels through the kernels as its bits.
template <typename T>
using Bits = std::conditional_t<std::is_same_v<T, float>, float, uint16_t>;

template <typename T>
const Bits<T>* data(const Tensor& tensor) {
  return static_cast<const Bits<T>*>(tensor.const_data_ptr());
}

template <typename T>
Bits<T>* mutable_data(Tensor& tensor) {
  return static_cast<Bits<T>*>(tensor.mutable_data_ptr());
}

// Calls body.operator()<float or at::BFloat16>().
template <typename Body>
void for_dtype(const Tensor& tensor, Body&& body) {
  if (tensor.scalar_type() == at::kFloat) return body.template operator()<float>();
  TORCH_CHECK(tensor.scalar_type() == at::kBFloat16, "expected float32 or bfloat16, found ",
              tensor.scalar_type());
  body.template operator()<at::BFloat16>();
}

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

Tensor linear(const Tensor& x, const Tensor& weight, const OptionalTensor& bias) {
  if (!weight.is_mkldnn()) return at::linear(x, weight, bias);
  using Signature = Tensor(const Tensor&, const Tensor&, const OptionalTensor&, std::string_view,
                           c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                             .typed<Signature>();
  return op.call(x.contiguous(), weight, bias, "none", c10::List<std::optional<at::Scalar>>(), "");
}

// [B, H, N, dim] each → [B, N, H · dim]
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v) {
  return at::scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2);
}

// qkv [B, N, 3, H, dim] → q and k turned by `angles` [2, N, dim].
std::pair<Tensor, Tensor> rotated(const Tensor& qkv, const Tensor& angles) {
  const auto cos = angles.select(0, 0), sin = angles.select(0, 1);
  const auto batch = qkv.size(0), tokens = qkv.size(1), heads = qkv.size(3), dim = qkv.size(4);
  TORCH_CHECK(angles.size(1) == tokens && angles.size(2) == dim, "expected angles [2, ", tokens,
              ", ", dim, "], found ", angles.sizes());
  Tensor q = at::empty({batch, tokens, heads, dim}, qkv.options()), k = at::empty_like(q);
  const RopeArguments arguments{tokens, heads, dim, cos.const_data_ptr<float>(),
                                sin.const_data_ptr<float>()};
  for_dtype(qkv, [&]<typename T>() {
    at::parallel_for(0, batch * tokens, 16, [&](int64_t first, int64_t last) {
      rope_rows(data<T>(qkv), mutable_data<T>(q), mutable_data<T>(k), arguments, first, last);
    });
  });
  return {q, k};
}

Tensor attention(const Tensor& packed, int64_t heads, const OptionalTensor& angles) {
  const Tensor qkv = packed.contiguous().unflatten(2, {3, heads, -1});
  Tensor q = qkv.select(2, 0), k = qkv.select(2, 1);
  if (angles) std::tie(q, k) = rotated(qkv, *angles);
  return attend(q.transpose(1, 2), k.transpose(1, 2), qkv.select(2, 2).transpose(1, 2));
}

Tensor pool_attention(const Tensor& query, const Tensor& weight, const OptionalTensor& bias,
                      const Tensor& packed, int64_t heads) {
  const Tensor kv = packed.unflatten(2, {2, heads, -1});
  const Tensor q = at::linear(query, weight, bias).unflatten(2, {heads, -1});
  return attend(q.expand({kv.size(0), -1, -1, -1}).transpose(1, 2), kv.select(2, 0).transpose(1, 2),
                kv.select(2, 1).transpose(1, 2));
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

at::Tensor prepack_linear_weight(const Tensor& weight) {
  using Signature = Tensor(const Tensor&, std::optional<int64_t>);
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                             .typed<Signature>();
  return op.call(weight.contiguous(), std::nullopt);
}

TORCH_LIBRARY(llm2clip, library) {
  library.def(
      "patch_embed(Tensor pixels, Tensor weight, Tensor? bias, Tensor? cls, Tensor position, "
      "int patch) -> Tensor",
      &patch_embed);
  library.def("layer_norm(Tensor x, Tensor weight, Tensor bias, float eps) -> Tensor", &layer_norm);
  library.def("linear(Tensor x, Tensor weight, Tensor? bias) -> Tensor", &linear);
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
