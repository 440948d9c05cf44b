#include "engine/torchscript/attention_operator.h"

#include <ATen/ATen.h>

#include "base/cpu_features.h"
#include "engine/torchscript/kernel_dtype.h"
#include "engine/torchscript/linear_operator.h"
#include "engine/torchscript/shares.h"
#include "engine/torchscript/texts.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/rope.h"

namespace llm2clip {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

// AMX is left to libtorch.
bool runs_fused(at::ScalarType type) {
  return type == at::kFloat ? cpu_isa() >= Isa::kAvx512 : cpu_isa() == Isa::kAvx512Bf16;
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

// qkv [B, N, 3, H, dim] → q and k turned by `angles` [2, N, dim].
std::pair<Tensor, Tensor> rotated(const Tensor& qkv, const Tensor& angles) {
  const auto cos = angles.select(0, 0), sin = angles.select(0, 1);
  const auto batch = qkv.size(0), tokens = qkv.size(1), heads = qkv.size(3), dim = qkv.size(4);
  Tensor q = at::empty({batch, tokens, heads, dim}, qkv.options()), k = at::empty_like(q);
  const RopeArguments arguments{tokens, heads, dim, cos.const_data_ptr<float>(),
                                sin.const_data_ptr<float>()};
  for_dtype(qkv, [&]<typename T>() {
    in_row_shares(batch * tokens, [&](int64_t first, int64_t last) {
      rope_rows(data<T>(qkv), mutable_data<T>(q), mutable_data<T>(k), arguments, first, last);
    });
  });
  return {q, k};
}

Tensor attention_fused(const Tensor& qkv, const OptionalTensor& angles) {
  const int64_t batch = qkv.size(0), tokens = qkv.size(1), heads = qkv.size(3), dim = qkv.size(4);
  const float* cos = angles ? angles->const_data_ptr<float>() : nullptr;
  const AttentionArguments a{tokens, heads, dim, cos, angles ? cos + tokens * dim : nullptr};
  Tensor out = at::empty({batch, tokens, heads * dim}, qkv.options());
  const bool in_f32 = qkv.scalar_type() == at::kFloat;
  const int64_t scratch_size = in_f32 ? attention_scratch(a) : attention_scratch_bf16(a);
  Tensor scratch = at::empty({at::get_num_threads(), scratch_size}, at::kFloat);
  in_shares(batch * heads, [&](int64_t head) {
    float* own = scratch.mutable_data_ptr<float>() + at::get_thread_num() * scratch.size(1);
    if (in_f32) {
      attention_avx512(data<float>(qkv), mutable_data<float>(out), a, own, head, head + 1);
    } else {
      attention_avx512_bf16(data<at::BFloat16>(qkv), mutable_data<at::BFloat16>(out), a, own, head,
                            head + 1);
    }
  });
  return out;
}

// One text's heads, fast.
void attend_fused(const Tensor& qkv, Tensor& out, const AttentionArguments& a, int64_t first,
                  float* scratch, int64_t head) {
  const int64_t in = first * a.row(), to = first * a.heads * a.dim;
  if (qkv.scalar_type() == at::kFloat) {
    attention_avx512(data<float>(qkv) + in, mutable_data<float>(out) + to, a, scratch, head,
                     head + 1);
  } else {
    attention_avx512_bf16(data<at::BFloat16>(qkv) + in, mutable_data<at::BFloat16>(out) + to, a,
                          scratch, head, head + 1);
  }
}

Tensor text_attention_fused(const Tensor& qkv, std::span<const int64_t> offsets,
                            AttentionArguments a) {
  Tensor out = at::empty({qkv.size(0), a.heads * a.dim}, qkv.options());
  a.tokens = longest(offsets);
  const bool in_f32 = qkv.scalar_type() == at::kFloat;
  const int64_t room = in_f32 ? attention_scratch(a) : attention_scratch_bf16(a);
  Tensor scratch = at::empty({at::get_num_threads(), room}, at::kFloat);
  in_shares(static_cast<int64_t>(offsets.size() - 1) * a.heads, [&](int64_t share) {
    const int64_t text = share / a.heads;
    AttentionArguments own = a;
    own.tokens = offsets[text + 1] - offsets[text];
    attend_fused(qkv, out, own, offsets[text],
                 scratch.mutable_data_ptr<float>() + at::get_thread_num() * room, share % a.heads);
  });
  return out;
}

// x [N, heads, dim] of one text, turned by angles [2, most, dim].
Tensor turned(const Tensor& x, const Tensor& angles) {
  const Tensor own = angles.narrow(1, 0, x.size(0)).unsqueeze(2);  // [2, N, 1, dim]
  const Tensor pairs = x.to(at::kFloat).unflatten(-1, {-1, 2});
  const Tensor swapped = at::stack({-pairs.select(-1, 1), pairs.select(-1, 0)}, -1).flatten(-2);
  return (pairs.flatten(-2) * own.select(0, 0) + swapped * own.select(0, 1)).to(x.scalar_type());
}

// One text, packed [N, heads + 2 kv_heads, dim].
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

}  // namespace

std::string attention_kernel(at::ScalarType type) {
  if (!runs_fused(type)) return "libtorch flash, own rotary embedding";
  return type == at::kFloat ? "own, AVX-512" : "own, AVX-512 BF16";
}

Tensor attention(const Tensor& packed, int64_t heads, const OptionalTensor& angles) {
  const Tensor qkv = packed.contiguous().unflatten(2, {3, heads, -1});
  if (angles) check_angles(qkv, *angles);
  if (runs_fused(qkv.scalar_type())) return attention_fused(qkv, angles);
  Tensor q = qkv.select(2, 0), k = qkv.select(2, 1);
  if (angles) std::tie(q, k) = rotated(qkv, *angles);
  return attend(q.transpose(1, 2), k.transpose(1, 2), qkv.select(2, 2).transpose(1, 2));
}

Tensor text_attention(const Tensor& packed, const Tensor& offsets, int64_t heads, int64_t kv_heads,
                      const Tensor& angles) {
  const Tensor qkv = packed.contiguous();
  const auto begins = texts_of(offsets, qkv.size(0));
  const float* cos = angles.const_data_ptr<float>();
  const AttentionArguments a{
      0, heads, angles.size(2), cos, cos + angles.size(1) * angles.size(2), kv_heads};
  TORCH_CHECK(angles.is_contiguous() && longest(begins) <= angles.size(1) && qkv.size(1) == a.row(),
              "expected texts of at most ", angles.size(1), " tokens of ", a.row(),
              " numbers, found ", longest(begins), " of ", qkv.size(1));
  if (runs_fused(qkv.scalar_type())) return text_attention_fused(qkv, begins, a);
  const Tensor split = qkv.unflatten(1, {-1, a.dim});
  std::vector<Tensor> texts;
  for (size_t i = 0; i + 1 < begins.size(); ++i) {
    const Tensor text = split.narrow(0, begins[i], begins[i + 1] - begins[i]);
    texts.push_back(attend_text(text, heads, kv_heads, angles));
  }
  return at::cat(texts);
}

Tensor pool_attention(const Tensor& query, const Tensor& weight, const OptionalTensor& bias,
                      const Tensor& packed, int64_t heads) {
  const Tensor kv = packed.unflatten(2, {2, heads, -1});
  const Tensor q = linear(query, weight, bias, weight.size(0)).unflatten(2, {heads, -1});
  return attend(q.expand({kv.size(0), -1, -1, -1}).transpose(1, 2), kv.select(2, 0).transpose(1, 2),
                kv.select(2, 1).transpose(1, 2));
}

}  // namespace llm2clip
