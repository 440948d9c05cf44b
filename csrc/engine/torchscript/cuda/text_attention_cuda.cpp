#include "engine/torchscript/cuda/text_attention_cuda.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "engine/torchscript/cuda/attention_choice.h"

namespace llm2clip {
namespace {

using at::Tensor;

// A session and everything that it calls run on one thread.
thread_local TextAttention chosen = TextAttention::kFlash;

// The comparison uses kHeads query heads; kGroup of them share one key and value head.
constexpr int64_t kHeads = 4, kGroup = 2;

Tensor flash(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& offsets,
             int64_t longest) {
  return std::get<0>(at::_flash_attention_forward(q, k, v, offsets, offsets, longest, longest,
                                                  /*dropout_p=*/0.0, /*is_causal=*/false,
                                                  /*return_debug_mask=*/false));
}

// This attention does not support shared heads, so they are repeated.
Tensor efficient(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& offsets,
                 int64_t longest) {
  const auto repeated = [&](const Tensor& x) {
    return x.repeat_interleave(q.size(1) / x.size(1), 1).unsqueeze(0);
  };
  constexpr int64_t kNoMask = 0;
  return std::get<0>(at::_efficient_attention_forward(q.unsqueeze(0), repeated(k), repeated(v),
                                                      /*bias=*/std::nullopt, offsets, offsets,
                                                      longest, longest, /*dropout_p=*/0.0, kNoMask))
      .squeeze(0);
}

// → [N, H, dim]
Tensor run(TextAttention attention, const Tensor& q, const Tensor& k, const Tensor& v,
           const Tensor& offsets, int64_t longest) {
  return attention == TextAttention::kFlash ? flash(q, k, v, offsets, longest)
                                            : efficient(q, k, v, offsets, longest);
}

// The plain attention of one text in f32.
Tensor plain(const Tensor& q, const Tensor& k, const Tensor& v) {
  const auto heads = [](const Tensor& x) { return x.to(at::kFloat).transpose(0, 1); };
  const auto shared = [&](const Tensor& x) { return heads(x.repeat_interleave(kGroup, 1)); };
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(2)));
  const Tensor scores = at::softmax(heads(q).matmul(shared(k).transpose(1, 2)) * scale, -1);
  return scores.matmul(shared(v)).transpose(0, 1);
}

bool agrees(TextAttention attention, int64_t head_dim, at::ScalarType type) {
  const std::vector<int> offsets{0, 65, 66, 196, 213};
  const auto options = at::TensorOptions(at::kCUDA).dtype(type);
  // As in the operator, q, k and v are views of packed rows.
  const int64_t kv_heads = kHeads / kGroup;
  // The numbers are generated on the host, because a GPU's generator fails while any thread records
  // a graph.
  const Tensor qkv = at::randn({offsets.back(), kHeads + 2 * kv_heads, head_dim}).to(options);
  const Tensor q = qkv.narrow(1, 0, kHeads), k = qkv.narrow(1, kHeads, kv_heads),
               v = qkv.narrow(1, kHeads + kv_heads, kv_heads);
  const Tensor found =
      run(attention, q, k, v, at::tensor(offsets, at::kInt).to(at::kCUDA), /*longest=*/130);
  const float most = type == at::kBFloat16 ? 3e-2F : 5e-3F;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    const auto text = [&](const Tensor& x) { return x.slice(0, offsets[i], offsets[i + 1]); };
    const Tensor difference = text(found).to(at::kFloat) - plain(text(q), text(k), text(v));
    // The comparison also rejects NaN.
    if (!(difference.abs().max().item<float>() < most)) return false;
  }
  return true;
}

}  // namespace

std::string name(TextAttention attention) {
  return attention == TextAttention::kFlash ? "FlashAttention" : "memory-efficient";
}

TextAttention choose_text_attention(int64_t head_dim, at::ScalarType type) {
  return first_that_agrees(
      std::vector{TextAttention::kFlash, TextAttention::kEfficient}, head_dim,
      [&](TextAttention attention) { return agrees(attention, head_dim, type); });
}

void use_text_attention(TextAttention attention) { chosen = attention; }

Tensor attend_texts_cuda(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& offsets,
                         int64_t longest) {
  return run(chosen, q, k, v, offsets, longest).flatten(1);
}

}  // namespace llm2clip
