#include "engine/torchscript/attention_operator.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "base/cpu_features.h"
#include "engine/torchscript/kernel_dtype.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/rope.h"

namespace llm2clip {
namespace {

using at::Tensor;
using OptionalTensor = std::optional<Tensor>;

bool runs_fused(at::ScalarType type) { return type == at::kFloat && has_avx512(); }

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
    at::parallel_for(0, batch * tokens, 16, [&](int64_t first, int64_t last) {
      rope_rows(data<T>(qkv), mutable_data<T>(q), mutable_data<T>(k), arguments, first, last);
    });
  });
  return {q, k};
}

Tensor attention_fused(const Tensor& qkv, const OptionalTensor& angles) {
  const int64_t batch = qkv.size(0), tokens = qkv.size(1), heads = qkv.size(3), dim = qkv.size(4);
  const float* cos = angles ? angles->const_data_ptr<float>() : nullptr;
  const AttentionArguments arguments{tokens, heads, dim, cos,
                                     angles ? cos + tokens * dim : nullptr};
  Tensor out = at::empty({batch, tokens, heads * dim}, qkv.options());
  Tensor scratch = at::empty({at::get_num_threads(), attention_scratch(arguments)}, qkv.options());
  at::parallel_for(0, batch * heads, 1, [&](int64_t first, int64_t last) {
    attention_avx512(qkv.const_data_ptr<float>(), out.mutable_data_ptr<float>(), arguments,
                     scratch.mutable_data_ptr<float>() + at::get_thread_num() * scratch.size(1),
                     first, last);
  });
  return out;
}

}  // namespace

std::string attention_kernel(at::ScalarType type) {
  return runs_fused(type) ? "own, AVX-512" : "libtorch flash, own rotary embedding";
}

Tensor attention(const Tensor& packed, int64_t heads, const OptionalTensor& angles) {
  const Tensor qkv = packed.contiguous().unflatten(2, {3, heads, -1});
  if (angles) check_angles(qkv, *angles);
  if (runs_fused(qkv.scalar_type())) return attention_fused(qkv, angles);
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

}  // namespace llm2clip
