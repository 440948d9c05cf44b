#include "engine/torchscript/operators/attention_operator.h"

#include <ATen/ATen.h>

#include "base/cpu_features.h"
#include "engine/torchscript/operators/kernel_dtype.h"
#include "engine/torchscript/operators/linear_operator.h"
#include "engine/torchscript/operators/shares.h"
#include "engine/torchscript/operators/texts.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/rope.h"

namespace llm2clip {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

// A kernel that computes one head of an image or text whose first token is `first`; and the number
// of floats that it needs as scratch memory.
struct Fused {
  const char* name;
  void (*attend)(const Tensor& qkv, Tensor& out, const AttentionArguments& a, float* scratch,
                 int64_t first, int64_t head);
  int64_t (*scratch)(const AttentionArguments& a);
};

template <typename T, auto kAttend>
void attend_to_head(const Tensor& qkv, Tensor& out, const AttentionArguments& a, float* scratch,
                    int64_t first, int64_t head) {
  kAttend(data<T>(qkv) + first * a.row(), mutable_data<T>(out) + first * a.heads * a.dim, a,
          scratch, head, head + 1);
}

constexpr Fused kFp32{"own, AVX-512", attend_to_head<float, attention_avx512>, attention_scratch};
constexpr Fused kInt16{"own, AVX-512 VNNI in int16", attend_to_head<float, attention_avx512_vnni>,
                       attention_scratch_int16};
constexpr Fused kInt16Avx2{"own, AVX2 in int16", attend_to_head<float, attention_int16_avx2>,
                           attention_scratch_int16_avx2};
constexpr Fused kBf16{"own, AVX-512 BF16", attend_to_head<at::BFloat16, attention_avx512_bf16>,
                      attention_scratch_bf16};

// Returns nullptr if there is none. With AMX, libtorch is faster.
const Fused* fused(at::ScalarType type, bool half) {
  const Isa isa = cpu_isa();
  if (type == at::kBFloat16) return isa == Isa::kAvx512Bf16 ? &kBf16 : nullptr;
  if (half && isa == Isa::kAvx512Vnni) return &kInt16;
  if (half && (isa == Isa::kAvx2 || isa == Isa::kAvxVnni)) return &kInt16Avx2;
  return isa >= Isa::kAvx512 ? &kFp32 : nullptr;
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
    in_row_shares(batch * tokens, [&](int64_t first, int64_t last) {
      rope_rows(data<T>(qkv), mutable_data<T>(q), mutable_data<T>(k), arguments, first, last);
    });
  });
  return {q, k};
}

Tensor attention_fused(const Fused& kernel, const Tensor& qkv, const OptionalTensor& angles) {
  const int64_t batch = qkv.size(0), tokens = qkv.size(1), heads = qkv.size(3), dim = qkv.size(4);
  const float* cos = angles ? angles->const_data_ptr<float>() : nullptr;
  const AttentionArguments a{tokens, heads, dim, cos, angles ? cos + tokens * dim : nullptr};
  Tensor out = at::empty({batch, tokens, heads * dim}, qkv.options());
  Tensor scratch = at::empty({at::get_num_threads(), kernel.scratch(a)}, at::kFloat);
  in_shares(batch * heads, [&](int64_t head) {
    float* own = scratch.mutable_data_ptr<float>() + at::get_thread_num() * scratch.size(1);
    kernel.attend(qkv, out, a, own, 0, head);
  });
  return out;
}

Tensor text_attention_fused(const Fused& kernel, const Tensor& qkv,
                            std::span<const int64_t> offsets, AttentionArguments a) {
  Tensor out = at::empty({qkv.size(0), a.heads * a.dim}, qkv.options());
  a.tokens = longest(offsets);
  Tensor scratch = at::empty({at::get_num_threads(), kernel.scratch(a)}, at::kFloat);
  in_shares(static_cast<int64_t>(offsets.size() - 1) * a.heads, [&](int64_t share) {
    const int64_t text = share / a.heads;
    AttentionArguments own = a;
    own.tokens = offsets[text + 1] - offsets[text];
    float* room = scratch.mutable_data_ptr<float>() + at::get_thread_num() * scratch.size(1);
    kernel.attend(qkv, out, own, room, offsets[text], share % a.heads);
  });
  return out;
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

}  // namespace

std::string attention_kernel(at::ScalarType type, bool half) {
  const Fused* kernel = fused(type, half);
  return kernel == nullptr ? "libtorch flash, own rotary embedding" : kernel->name;
}

Tensor attention(const Tensor& packed, int64_t heads, const OptionalTensor& angles, bool half) {
  const Tensor qkv = packed.contiguous().unflatten(2, {3, heads, -1});
  if (angles) check_angles(qkv, *angles);
  if (const Fused* kernel = fused(qkv.scalar_type(), half)) {
    return attention_fused(*kernel, qkv, angles);
  }
  Tensor q = qkv.select(2, 0), k = qkv.select(2, 1);
  if (angles) std::tie(q, k) = rotated(qkv, *angles);
  return attend(q.transpose(1, 2), k.transpose(1, 2), qkv.select(2, 2).transpose(1, 2));
}

Tensor text_attention(const Tensor& packed, const Tensor& offsets, int64_t heads, int64_t kv_heads,
                      const Tensor& angles, bool half) {
  const Tensor qkv = packed.contiguous();
  const auto begins = texts_of(offsets, qkv.size(0));
  const float* cos = angles.const_data_ptr<float>();
  const AttentionArguments a{
      0, heads, angles.size(2), cos, cos + angles.size(1) * angles.size(2), kv_heads};
  TORCH_CHECK(angles.is_contiguous() && longest(begins) <= angles.size(1) && qkv.size(1) == a.row(),
              "expected texts of at most ", angles.size(1), " tokens of ", a.row(),
              " numbers, found ", longest(begins), " of ", qkv.size(1));
  if (const Fused* kernel = fused(qkv.scalar_type(), half)) {
    return text_attention_fused(*kernel, qkv, begins, a);
  }
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
  const Tensor q = operators::linear(query, weight, bias, weight.size(0)).unflatten(2, {heads, -1});
  return attend(q.expand({kv.size(0), -1, -1, -1}).transpose(1, 2), kv.select(2, 0).transpose(1, 2),
                kv.select(2, 1).transpose(1, 2));
}

}  // namespace llm2clip
