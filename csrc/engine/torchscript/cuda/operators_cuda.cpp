#include "engine/torchscript/cuda/operators_cuda.h"

#include <ATen/ATen.h>

#include "engine/torchscript/cuda/attention_cuda.h"
#include "engine/torchscript/cuda/element_type.h"
#include "engine/torchscript/cuda/linear_cuda.h"
#include "engine/torchscript/cuda/norm_arguments.h"
#include "engine/torchscript/operators/shapes.h"
#include "kernels/cuda/gated_norm.h"
#include "kernels/cuda/layer_norm.h"
#include "kernels/cuda/norm_head.h"
#include "kernels/cuda/patches.h"
#include "kernels/cuda/quick_gelu.h"
#include "kernels/cuda/rope.h"
#include "kernels/cuda/tokens.h"

namespace llm2clip {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

// Returns [B, count, elements of a patch], padded like the weight's rows. The input is images
// [B, 3, S, S], or patches made from them earlier.
Tensor patches(const Tensor& input, const Tensor& weight, int64_t patch) {
  if (input.dim() == 3) {
    TORCH_CHECK(input.size(2) == weight.size(1) && input.scalar_type() == weight.scalar_type(),
                "expected patches of ", weight.size(1), " numbers in ", weight.scalar_type(),
                ", found ", input.sizes(), " in ", input.scalar_type());
    return input;
  }
  const Tensor pixels = input.to(at::kFloat).contiguous();
  const PatchGrid grid{static_cast<int>(pixels.size(2)), static_cast<int>(patch),
                       static_cast<int>(weight.size(1))};
  TORCH_CHECK(pixels.size(1) == 3 && pixels.size(2) == pixels.size(3) &&
                  grid.padded == padded_to(grid.used(), kChunk),
              "expected images [B, 3, S, S] and rows of ", padded_to(grid.used(), kChunk),
              ", found ", pixels.sizes(), " and ", weight.size(1));
  Tensor out = at::empty({pixels.size(0), grid.count(), grid.padded}, weight.options());
  for_element(out, [&]<typename T>() {
    patches_cuda(elements<float>(pixels), mutable_elements<T>(out), grid, pixels.size(0),
                 current_stream(pixels));
  });
  return out;
}

Tensor patch_embed(const Tensor& pixels, const Tensor& weight, const OptionalTensor& bias,
                   const OptionalTensor& cls, const Tensor& position, int64_t patch) {
  const Tensor x = linear_cuda(patches(pixels, weight, patch), weight, bias);
  const int64_t tokens = position.size(1), width = position.size(2);
  check_width(width);
  TORCH_CHECK(x.size(1) + (cls ? 1 : 0) == tokens && x.size(2) == width, "expected ", tokens,
              " tokens of ", width, ", found ", x.sizes());
  Tensor out = at::empty({x.size(0), tokens, width}, x.options().dtype(at::kFloat));
  for_element(x, [&]<typename T>() {
    tokens_cuda(
        CudaTokensArguments<T>{elements<T>(x), cls ? elements<T>(*cls) : nullptr,
                               elements<T>(position), mutable_elements<float>(out), x.size(0),
                               static_cast<int>(tokens), static_cast<int>(width)},
        current_stream(x));
  });
  return out;
}

// Reads [B, D] or [B, 1, D] of a stream [B, N, D] in place, without a copy.
Tensor in_rows(const Tensor& x) {
  const bool far_apart = x.stride(-1) == 1 && x.numel() == x.size(0) * x.size(-1) &&
                         x.stride(0) % kChunk == 0 && x.storage_offset() % kChunk == 0;
  return far_apart ? x : x.contiguous();
}

Tensor layer_norm(const Tensor& input, const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor x = in_rows(input);
  const CudaNormArguments a = norm_of(x, weight, eps);
  const int64_t stride = x.is_contiguous() ? a.width : x.stride(0);
  Tensor out = at::empty(x.sizes(), weight.options());
  for_element(weight, [&]<typename T>() {
    const auto run = [&](const auto* from) {
      layer_norm_cuda(from, stride, elements<T>(weight), elements<T>(bias),
                      mutable_elements<T>(out), a, current_stream(x));
    };
    x.scalar_type() == weight.scalar_type() ? run(elements<T>(x)) : run(elements<float>(x));
  });
  return out;
}

std::tuple<Tensor, Tensor> add_layer_norm(const Tensor& stream, const Tensor& delta,
                                          const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor x = stream.to(at::kFloat).contiguous();
  const Tensor y = delta.to(weight.scalar_type()).contiguous();
  TORCH_CHECK(x.sizes() == y.sizes(), "expected ", x.sizes(), ", found ", y.sizes());
  const CudaNormArguments a = norm_of(x, weight, eps);
  Tensor sum = at::empty(x.sizes(), x.options()), out = at::empty(x.sizes(), weight.options());
  for_element(weight, [&]<typename T>() {
    add_layer_norm_cuda(elements<float>(x), elements<T>(y), elements<T>(weight), elements<T>(bias),
                        mutable_elements<float>(sum), mutable_elements<T>(out), a,
                        current_stream(x));
  });
  return {sum, out};
}

Tensor norm_head(const Tensor& stream, const Tensor& delta, const Tensor& weight,
                 const Tensor& bias, const Tensor& head, const OptionalTensor& head_bias,
                 double eps) {
  const at::ScalarType type = weight.scalar_type();
  const Tensor x = stream.to(at::kFloat).contiguous(), y = delta.to(type).contiguous();
  const CudaNormArguments a = norm_of(x, weight, eps);
  TORCH_CHECK(x.sizes() == y.sizes() && a.width <= kWidestHead && head.size(1) == a.width &&
                  head.scalar_type() == type,
              "expected two of [B, D] and a head [E, D], D at most ", kWidestHead, ", found ",
              x.sizes(), ", ", y.sizes(), " and ", head.sizes());
  Tensor out = at::empty(with_last(x.sizes(), head.size(0)), x.options());
  for_element(weight, [&]<typename T>() {
    norm_head_cuda(
        CudaNormHead<T>{elements<float>(x), elements<T>(y), elements<T>(weight), elements<T>(bias),
                        elements<T>(head), head_bias ? elements<T>(*head_bias) : nullptr,
                        mutable_elements<float>(out), a.rows, a.width,
                        static_cast<int>(head.size(0)), a.eps},
        current_stream(x));
  });
  return out;
}

Tensor linear(const Tensor& x, const Tensor& weight, const OptionalTensor& bias, int64_t) {
  return linear_cuda(x, weight, bias);
}

// The weight is a view of padded memory. Its size is the number of elements that are normalised.
Tensor gated_norm(const Tensor& input, const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor gate_up = input.contiguous();
  const int64_t hidden = weight.numel(), padded = gate_up.size(-1) / 2;
  check_width(padded);
  const auto room = static_cast<int64_t>(weight.storage().nbytes()) / weight.element_size();
  TORCH_CHECK(padded >= hidden && room >= padded && gate_up.scalar_type() == weight.scalar_type(),
              "expected gate and up of ", hidden, ", padded, found ", gate_up.sizes());
  Tensor out = at::empty(with_last(gate_up.sizes(), padded), gate_up.options());
  for_element(gate_up, [&]<typename T>() {
    gated_norm_cuda(elements<T>(gate_up), elements<T>(weight), elements<T>(bias),
                    mutable_elements<T>(out),
                    {out.numel() / padded, static_cast<int>(hidden), static_cast<int>(padded),
                     static_cast<float>(eps)},
                    current_stream(gate_up));
  });
  return out;
}

// Works in place, because nothing else reads the output of the linear before it.
void turn(const Tensor& qkv, const Tensor& angles, int64_t heads) {
  const int64_t tokens = qkv.size(1), dim = qkv.size(2) / 3 / heads;
  TORCH_CHECK(angles.dim() == 3 && angles.size(0) == tokens && 2 * angles.size(1) == dim &&
                  dim % kChunk == 0,
              "expected angles of ", tokens, " tokens and heads of ", dim, ", found ",
              angles.sizes());
  for_element(qkv, [&]<typename T>() {
    rope_cuda(CudaRopeArguments<T>{mutable_elements<T>(qkv), nullptr, elements<float>(angles),
                                   qkv.size(0) * tokens, static_cast<int>(tokens),
                                   static_cast<int>(heads), static_cast<int>(dim)},
              current_stream(qkv));
  });
}

Tensor attention(const Tensor& packed, int64_t heads, const OptionalTensor& angles, bool) {
  const Tensor rows = packed.contiguous();
  if (angles) turn(rows, *angles, heads);
  const Tensor qkv = rows.unflatten(2, {3, heads, -1});
  return attend_cuda(qkv.select(2, 0).transpose(1, 2), qkv.select(2, 1).transpose(1, 2),
                     qkv.select(2, 2).transpose(1, 2));
}

Tensor pool_attention(const Tensor& query, const Tensor& weight, const OptionalTensor& bias,
                      const Tensor& packed, int64_t heads) {
  const Tensor kv = packed.unflatten(2, {2, heads, -1});
  const Tensor q = linear_cuda(query, weight, bias).unflatten(2, {heads, -1});
  return attend_cuda(q.expand({kv.size(0), -1, -1, -1}).contiguous().transpose(1, 2),
                     kv.select(2, 0).transpose(1, 2), kv.select(2, 1).transpose(1, 2));
}

Tensor quick_gelu(const Tensor& input) {
  const Tensor x = input.contiguous();
  TORCH_CHECK(x.numel() % kChunk == 0, "expected a multiple of ", kChunk, " numbers, found ",
              x.numel());
  Tensor out = at::empty_like(x);
  for_element(x, [&]<typename T>() {
    quick_gelu_cuda(elements<T>(x), mutable_elements<T>(out), x.numel(), current_stream(x));
  });
  return out;
}

Tensor gelu(const Tensor& x, bool tanh) { return at::gelu(x, tanh ? "tanh" : "none"); }

}  // namespace

void implement_operators(torch::Library& library) {
  library.impl("patch_embed", &patch_embed);
  library.impl("layer_norm", &layer_norm);
  library.impl("add_layer_norm", &add_layer_norm);
  library.impl("norm_head", &norm_head);
  library.impl("linear", &linear);
  library.impl("attention", &attention);
  library.impl("pool_attention", &pool_attention);
  library.impl("gated_norm", &gated_norm);
  library.impl("quick_gelu", &quick_gelu);
  library.impl("gelu", &gelu);
}

}  // namespace llm2clip
