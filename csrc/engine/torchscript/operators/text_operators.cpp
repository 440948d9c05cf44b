// The operators that only the text side has; see operators.cpp. The texts of a batch follow one
// another, without padding.
#include <ATen/ATen.h>
#include <torch/library.h>

#include "engine/torchscript/operators/attention_operator.h"
#include "engine/torchscript/operators/kernel_dtype.h"
#include "engine/torchscript/operators/shapes.h"
#include "engine/torchscript/operators/shares.h"
#include "engine/torchscript/operators/texts.h"
#include "kernels/cpu/gate.h"
#include "kernels/cpu/rms_norm.h"

namespace llm2clip {
namespace {

using at::Tensor;

// Returns the residual stream, which stays in f32 whatever the other values are computed in.
Tensor embed(const Tensor& tokens, const Tensor& table) {
  return table.index_select(0, tokens).to(at::kFloat);
}

Tensor rms_norm(const Tensor& stream, const Tensor& weight, double eps) {
  const Tensor x = stream.to(at::kFloat).contiguous();
  const RmsNormArguments a{weight.numel(), eps};
  Tensor out = at::empty(x.sizes(), weight.options());
  for_dtype(weight, [&]<typename T>() {
    in_row_shares(x.numel() / a.width, [&](int64_t first, int64_t last) {
      rms_norm_rows(x.const_data_ptr<float>(), data<T>(weight), mutable_data<T>(out), a, first,
                    last);
    });
  });
  return out;
}

// Returns the sum in f32, and its norm.
std::tuple<Tensor, Tensor> add_rms_norm(const Tensor& stream, const Tensor& delta,
                                        const Tensor& weight, double eps) {
  const Tensor x = stream.to(at::kFloat).contiguous();
  const Tensor y = delta.to(weight.scalar_type()).contiguous();
  const RmsNormArguments a{weight.numel(), eps};
  Tensor sum = at::empty(x.sizes(), x.options()), out = at::empty(x.sizes(), weight.options());
  for_dtype(weight, [&]<typename T>() {
    in_row_shares(x.numel() / a.width, [&](int64_t first, int64_t last) {
      add_rms_norm_rows(x.const_data_ptr<float>(), data<T>(y), data<T>(weight),
                        sum.mutable_data_ptr<float>(), mutable_data<T>(out), a, first, last);
    });
  });
  return {sum, out};
}

Tensor gate(const Tensor& input) {
  const Tensor gate_up = input.contiguous();
  const int64_t hidden = gate_up.size(-1) / 2;
  Tensor out = at::empty(with_last(gate_up.sizes(), hidden), gate_up.options());
  for_dtype(gate_up, [&]<typename T>() {
    in_row_shares(out.numel() / hidden, [&](int64_t first, int64_t last) {
      gate_rows(data<T>(gate_up), mutable_data<T>(out), hidden, first, last);
    });
  });
  return out;
}

// The mean over the last pooled[i] tokens of each text: x [N, D] → [B, D] f32.
Tensor text_mean(const Tensor& x, const Tensor& offsets, const Tensor& pooled) {
  const auto begins = texts_of(offsets, x.size(0));
  const int64_t* counts = pooled.const_data_ptr<int64_t>();
  std::vector<Tensor> means;
  for (size_t i = 0; i + 1 < begins.size(); ++i) {
    const Tensor tokens = x.narrow(0, begins[i + 1] - counts[i], counts[i]);
    means.push_back(tokens.mean(0, false, at::kFloat));
  }
  return at::stack(means);
}

Tensor l2_normalize(const Tensor& x) {
  return x / at::linalg_vector_norm(x, 2, at::IntArrayRef{-1}, true).clamp_min(1e-12);
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

}  // namespace llm2clip
