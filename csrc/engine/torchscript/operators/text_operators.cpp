// The operators that only the text side has; see operators.cpp. The texts of a batch follow one
// another, without padding.
#include <ATen/ATen.h>
#include <torch/library.h>

#include <algorithm>

#include "base/dtype.h"
#include "engine/torchscript/operators/attention_operator.h"
#include "engine/torchscript/operators/shapes.h"
#include "engine/torchscript/operators/tensor_matrix.h"
#include "engine/torchscript/operators/texts.h"
#include "engine/torchscript/operators/torch_workers.h"
#include "ops/norms.h"
#include "ops/rows.h"

namespace llm2clip::operators {
namespace {

using at::Tensor;

Dtype dtype_of(const Tensor& table) {
  switch (table.scalar_type()) {
    case at::kFloat: return Dtype::kF32;
    case at::kHalf: return Dtype::kF16;
    case at::kBFloat16: return Dtype::kBF16;
    default: break;
  }
  TORCH_CHECK(false, "expected a table of 16 or 32 bits, found ", table.scalar_type());
}

// Returns the residual stream, which stays in f32 whatever the other values are computed in.
Tensor embed(const Tensor& tokens, const Tensor& table) {
  const auto ids = int32_of(tokens);
  TORCH_CHECK(
      table.is_contiguous() &&
          std::ranges::all_of(ids, [&](int32_t id) { return id >= 0 && id < table.size(0); }),
      "expected ids below ", table.size(0));
  Tensor out = at::empty({tokens.size(0), table.size(1)}, at::kFloat);
  llm2clip::embed(torch_workers(), static_cast<const std::byte*>(table.const_data_ptr()),
                  dtype_of(table), ids, result_of(out));
  return out;
}

Tensor rms_norm(const Tensor& stream, const Tensor& weight, double eps) {
  const Tensor x = stream.to(at::kFloat).contiguous();
  Tensor out = at::empty(x.sizes(), weight.options());
  llm2clip::rms_norm(torch_workers(), {weight.const_data_ptr(), eps}, matrix_of(x), result_of(out));
  return out;
}

// Returns the sum in f32, and its norm.
std::tuple<Tensor, Tensor> add_rms_norm(const Tensor& stream, const Tensor& delta,
                                        const Tensor& weight, double eps) {
  const Tensor x = stream.to(at::kFloat).contiguous();
  const Tensor y = delta.to(weight.scalar_type()).contiguous();
  Tensor sum = at::empty(x.sizes(), x.options()), out = at::empty(x.sizes(), weight.options());
  llm2clip::add_rms_norm(torch_workers(), {weight.const_data_ptr(), eps}, matrix_of(x),
                         matrix_of(y), result_of(sum), result_of(out));
  return {sum, out};
}

Tensor gate(const Tensor& input) {
  const Tensor gate_up = input.contiguous();
  Tensor out = at::empty(with_last(gate_up.sizes(), gate_up.size(-1) / 2), gate_up.options());
  llm2clip::gate(torch_workers(), matrix_of(gate_up), result_of(out));
  return out;
}

// The mean over the last pooled[i] tokens of each text: x [N, D] → [B, D] f32.
Tensor text_mean(const Tensor& input, const Tensor& offsets, const Tensor& pooled) {
  const Tensor x = input.contiguous();
  const auto begins = texts_of(offsets, x.size(0));
  const auto counts = int32_of(pooled);
  TORCH_CHECK(counts.size() + 1 == begins.size(), "expected ", begins.size() - 1,
              " numbers of tokens, found ", counts.size());
  for (size_t i = 0; i < counts.size(); ++i) {
    const int32_t tokens = begins[i + 1] - begins[i];
    TORCH_CHECK(counts[i] > 0 && counts[i] <= tokens, "expected 1 to ", tokens,
                " tokens in a mean, found ", counts[i]);
  }
  Tensor out = at::empty({static_cast<int64_t>(counts.size()), x.size(1)}, at::kFloat);
  llm2clip::text_mean(torch_workers(), begins, counts, matrix_of(x), result_of(out));
  return out;
}

Tensor l2_normalize(const Tensor& input) {
  const Tensor x = input.contiguous();
  Tensor out = at::empty_like(x);
  llm2clip::l2_normalize(torch_workers(), matrix_of(x), result_of(out));
  return out;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(llm2clip, library) {
  library.def("embed(Tensor tokens, Tensor table) -> Tensor", &embed);
  library.def("rms_norm(Tensor x, Tensor weight, float eps) -> Tensor", &rms_norm);
  library.def("add_rms_norm(Tensor x, Tensor y, Tensor weight, float eps) -> (Tensor, Tensor)",
              &add_rms_norm);
  library.def(
      "text_attention(Tensor qkv, Tensor offsets, int heads, int kv_heads, Tensor angles, "
      "bool half) -> Tensor",
      &text_attention);
  library.def("gate(Tensor gate_up) -> Tensor", &gate);
  library.def("text_mean(Tensor x, Tensor offsets, Tensor pooled) -> Tensor", &text_mean);
  library.def("l2_normalize(Tensor x) -> Tensor", &l2_normalize);
}

}  // namespace llm2clip::operators
