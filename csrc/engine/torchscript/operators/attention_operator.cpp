#include "engine/torchscript/operators/attention_operator.h"

#include <ATen/ATen.h>

#include "base/cpu_features.h"
#include "engine/torchscript/operators/kernel_dtype.h"
#include "engine/torchscript/operators/linear_operator.h"
#include "engine/torchscript/operators/tensor_matrix.h"
#include "engine/torchscript/operators/texts.h"
#include "engine/torchscript/operators/torch_workers.h"
#include "kernels/cpu/rope.h"
#include "ops/attention.h"

namespace llm2clip::operators {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

// Whether libtorch computes attention here: in bf16 with AMX, and for processors that our fast
// kernels do not run on, because it is faster there.
bool is_libtorchs(at::ScalarType type) {
  return type == at::kBFloat16 ? cpu_isa() != Isa::kAvx512Bf16 : cpu_isa() == Isa::kGeneric;
}

// [B, H, N, dim] each → [B, N, H · dim]
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v) {
  return at::scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2);
}

void check_angles(const Tensor& qkv, const Tensor& angles) {
  TORCH_CHECK(angles.scalar_type() == at::kFloat && angles.is_contiguous() &&
                  angles.size(1) == qkv.size(1) && angles.size(2) == qkv.size(4),
              "expected angles [2, ", qkv.size(1), ", ", qkv.size(4), "], found ", angles.sizes());
}

// qkv [B, N, 3, H, dim] → q and k, rotated by `angles` [2, N, dim].
std::pair<Tensor, Tensor> rotated(const Tensor& qkv, const Tensor& angles) {
  const auto cos = angles.select(0, 0), sin = angles.select(0, 1);
  const auto batch = qkv.size(0), tokens = qkv.size(1), heads = qkv.size(3), dim = qkv.size(4);
  Tensor q = at::empty({batch, tokens, heads, dim}, qkv.options()), k = at::empty_like(q);
  const RopeArguments arguments{tokens, heads, dim, cos.const_data_ptr<float>(),
                                sin.const_data_ptr<float>()};
  for_dtype(qkv, [&]<typename T>() {
    torch_workers().run_rows(batch * tokens, [&](int64_t first, int64_t last) {
      rope_rows(data<T>(qkv), mutable_data<T>(q), mutable_data<T>(k), arguments, first, last);
    });
  });
  return {q, k};
}

// Rotates x [N, heads, dim] of one text by angles [2, most, dim].
Tensor turned(const Tensor& x, const Tensor& angles) {
  const Tensor own = angles.narrow(1, 0, x.size(0)).unsqueeze(2);  // [2, N, 1, dim]
  const Tensor pairs = x.to(at::kFloat).unflatten(-1, {-1, 2});
  const Tensor swapped = at::stack({-pairs.select(-1, 1), pairs.select(-1, 0)}, -1).flatten(-2);
  return (pairs.flatten(-2) * own.select(0, 0) + swapped * own.select(0, 1)).to(x.scalar_type());
}

// Computes one text, packed [N, heads + 2 kv_heads, dim].
Tensor attend_text(const Tensor& packed, int64_t heads, int64_t kv_heads, const Tensor& angles) {
  const auto ready = [](const Tensor& x) { return x.transpose(0, 1).unsqueeze(0); };
  const auto shared = [&](const Tensor& x) {
    return ready(x.repeat_interleave(heads / kv_heads, 1));
  };
  const Tensor q = turned(packed.narrow(1, 0, heads), angles);
  const Tensor k = turned(packed.narrow(1, heads, kv_heads), angles);
  return attend(ready(q), shared(k), shared(packed.narrow(1, heads + kv_heads, kv_heads)))
      .squeeze(0);
}

Tensor attention_of_libtorch(const Tensor& qkv, const OptionalTensor& angles) {
  Tensor q = qkv.select(2, 0), k = qkv.select(2, 1);
  if (angles) std::tie(q, k) = rotated(qkv, *angles);
  return attend(q.transpose(1, 2), k.transpose(1, 2), qkv.select(2, 2).transpose(1, 2));
}

Tensor text_attention_of_libtorch(const Tensor& qkv, const std::vector<int32_t>& begins,
                                  int64_t heads, int64_t kv_heads, const Tensor& angles) {
  const Tensor split = qkv.unflatten(1, {-1, angles.size(2)});
  std::vector<Tensor> texts;
  for (size_t i = 0; i + 1 < begins.size(); ++i) {
    const Tensor text = split.narrow(0, begins[i], begins[i + 1] - begins[i]);
    texts.push_back(attend_text(text, heads, kv_heads, angles));
  }
  return at::cat(texts);
}

}  // namespace

std::string attention_kernel(at::ScalarType type, bool half) {
  if (is_libtorchs(type)) return "libtorch flash, own rotary embedding";
  return llm2clip::attention_kernel(type == at::kFloat ? Element::kF32 : Element::kBf16, half);
}

Tensor attention(const Tensor& packed, int64_t heads, const OptionalTensor& angles, bool half) {
  const Tensor qkv = packed.contiguous().unflatten(2, {3, heads, -1});
  if (angles) check_angles(qkv, *angles);
  if (is_libtorchs(qkv.scalar_type())) return attention_of_libtorch(qkv, angles);
  const int64_t batch = qkv.size(0), tokens = qkv.size(1), dim = qkv.size(4);
  const float* cos = angles ? angles->const_data_ptr<float>() : nullptr;
  const ImageAttention a{tokens, heads, dim, cos, angles ? cos + tokens * dim : nullptr, half};
  Tensor out = at::empty({batch, tokens, heads * dim}, qkv.options());
  llm2clip::attention(torch_workers(), a, matrix_of(qkv.flatten(2)), result_of(out));
  return out;
}

Tensor text_attention(const Tensor& packed, const Tensor& offsets, int64_t heads, int64_t kv_heads,
                      const Tensor& angles, bool half) {
  const Tensor qkv = packed.contiguous();
  const auto begins = texts_of(offsets, qkv.size(0));
  const int64_t dim = angles.size(2), row = (heads + 2 * kv_heads) * dim;
  TORCH_CHECK(angles.is_contiguous() && longest(begins) <= angles.size(1) && qkv.size(1) == row,
              "expected texts of at most ", angles.size(1), " tokens of ", row, " numbers, found ",
              longest(begins), " of ", qkv.size(1));
  if (is_libtorchs(qkv.scalar_type())) {
    return text_attention_of_libtorch(qkv, begins, heads, kv_heads, angles);
  }
  const float* cos = angles.const_data_ptr<float>();
  const TextAttention a{heads, kv_heads, dim, cos, cos + angles.size(1) * dim, half};
  Tensor out = at::empty({qkv.size(0), heads * dim}, qkv.options());
  llm2clip::text_attention(torch_workers(), a, begins, matrix_of(qkv), result_of(out));
  return out;
}

Tensor pool_attention(const Tensor& query, const Tensor& weight, const OptionalTensor& bias,
                      const Tensor& packed, int64_t heads) {
  const Tensor kv = packed.contiguous();
  const Tensor q = linear(query, weight, bias, weight.size(0)).to(at::kFloat).contiguous();
  Tensor out = at::empty({kv.size(0), 1, q.size(-1)}, kv.options());
  llm2clip::pool_attention(torch_workers(), heads, q.const_data_ptr<float>(), kv.size(1),
                           matrix_of(kv), result_of(out));
  return out;
}

}  // namespace llm2clip::operators
