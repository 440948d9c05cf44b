#include "engine/torchscript/cuda/operators_cuda.h"

#include <ATen/ATen.h>

#include "engine/torchscript/cuda/element_type.h"
#include "engine/torchscript/cuda/norm_arguments.h"
#include "engine/torchscript/cuda/text_attention_cuda.h"
#include "engine/torchscript/cuda/text_run.h"
#include "engine/torchscript/operators/shapes.h"
#include "kernels/cuda/gate.h"
#include "kernels/cuda/rms_norm.h"
#include "kernels/cuda/text_mean.h"
#include "kernels/cuda/text_rope.h"

namespace llm2clip {
namespace {

using at::Tensor;

Tensor rms_norm(const Tensor& stream, const Tensor& weight, double eps) {
  const Tensor x = stream.to(at::kFloat).contiguous();
  const CudaNormArguments a = norm_of(x, weight, eps);
  Tensor out = at::empty(x.sizes(), weight.options());
  for_element(weight, [&]<typename T>() {
    rms_norm_cuda(elements<float>(x), elements<T>(weight), mutable_elements<T>(out), a,
                  current_stream(x));
  });
  return out;
}

std::tuple<Tensor, Tensor> add_rms_norm(const Tensor& stream, const Tensor& delta,
                                        const Tensor& weight, double eps) {
  const Tensor x = stream.to(at::kFloat).contiguous();
  const Tensor y = delta.to(weight.scalar_type()).contiguous();
  TORCH_CHECK(x.sizes() == y.sizes(), "expected ", x.sizes(), ", found ", y.sizes());
  const CudaNormArguments a = norm_of(x, weight, eps);
  Tensor sum = at::empty(x.sizes(), x.options()), out = at::empty(x.sizes(), weight.options());
  for_element(weight, [&]<typename T>() {
    add_rms_norm_cuda(elements<float>(x), elements<T>(y), elements<T>(weight),
                      mutable_elements<float>(sum), mutable_elements<T>(out), a, current_stream(x));
  });
  return {sum, out};
}

Tensor gate(const Tensor& input) {
  const Tensor gate_up = input.contiguous();
  const int64_t hidden = gate_up.size(-1) / 2;
  TORCH_CHECK(gate_up.size(-1) % (2 * kChunk) == 0, "expected gate and up of a multiple of ",
              kChunk, " numbers, found ", gate_up.size(-1), " of both");
  Tensor out = at::empty(with_last(gate_up.sizes(), hidden), gate_up.options());
  for_element(gate_up, [&]<typename T>() {
    gate_cuda(CudaGateArguments<T>{elements<T>(gate_up), mutable_elements<T>(out),
                                   out.numel() / hidden, static_cast<int>(hidden)},
              current_stream(gate_up));
  });
  return out;
}

// Rotates q and k of rows [N, heads + values, dim] in place, because nothing else reads the output
// of the linear before it.
void turn(const Tensor& rows, const TextRun& run, const Tensor& angles, int64_t values) {
  const int64_t dim = rows.size(2), heads = rows.size(1) - values;
  TORCH_CHECK(angles.dim() == 3 && run.longest <= angles.size(0) && 2 * angles.size(1) == dim &&
                  dim % kChunk == 0 && run.places.numel() == rows.size(0),
              "expected angles of ", run.longest, " tokens and heads of ", dim, ", found ",
              angles.sizes());
  for_element(rows, [&]<typename T>() {
    text_rope_cuda(
        CudaTextRopeArguments<T>{mutable_elements<T>(rows), elements<int32_t>(run.places),
                                 elements<float>(angles), rows.size(0), static_cast<int>(heads),
                                 static_cast<int>(values), static_cast<int>(dim)},
        current_stream(rows));
  });
}

Tensor text_attention(const Tensor& packed, const Tensor& offsets, int64_t heads, int64_t kv_heads,
                      const Tensor& angles, bool) {
  const TextRun& run = RunningTexts::current();
  const Tensor qkv = packed.contiguous().unflatten(1, {heads + 2 * kv_heads, -1});
  turn(qkv, run, angles, kv_heads);
  return attend_texts_cuda(qkv.narrow(1, 0, heads), qkv.narrow(1, heads, kv_heads),
                           qkv.narrow(1, heads + kv_heads, kv_heads), offsets, run.longest);
}

// Returns the residual stream, which stays in f32 whatever the other values are computed in.
Tensor embed(const Tensor& tokens, const Tensor& table) {
  return table.index_select(0, tokens).to(at::kFloat);
}

Tensor l2_normalize(const Tensor& x) {
  return x / at::linalg_vector_norm(x, 2, at::IntArrayRef{-1}, true).clamp_min(1e-12);
}

Tensor text_mean(const Tensor& input, const Tensor& offsets, const Tensor& pooled) {
  const Tensor x = input.contiguous();
  const int64_t texts = pooled.numel(), width = x.size(1);
  TORCH_CHECK(offsets.scalar_type() == at::kInt && pooled.scalar_type() == at::kInt &&
                  offsets.is_contiguous() && pooled.is_contiguous() &&
                  offsets.numel() == texts + 1 && width % kChunk == 0,
              "expected offsets and counts int32 of ", texts, " texts, and rows of a multiple of ",
              kChunk, " numbers, found ", offsets.sizes(), " and ", width);
  Tensor out = at::empty({texts, width}, x.options().dtype(at::kFloat));
  for_element(x, [&]<typename T>() {
    text_mean_cuda(CudaTextMeanArguments<T>{elements<T>(x), elements<int32_t>(offsets) + 1,
                                            elements<int32_t>(pooled), mutable_elements<float>(out),
                                            texts, static_cast<int>(width)},
                   current_stream(x));
  });
  return out;
}

}  // namespace

void implement_text_operators(torch::Library& library) {
  library.impl("embed", &embed);
  library.impl("l2_normalize", &l2_normalize);
  library.impl("rms_norm", &rms_norm);
  library.impl("add_rms_norm", &add_rms_norm);
  library.impl("text_attention", &text_attention);
  library.impl("gate", &gate);
  library.impl("text_mean", &text_mean);
}

}  // namespace llm2clip
