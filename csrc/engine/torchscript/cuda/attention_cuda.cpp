#include "engine/torchscript/cuda/attention_cuda.h"

#include <ATen/ATen.h>

#include <vector>

#include "engine/torchscript/cuda/attention_choice.h"

namespace llm2clip {
namespace {

using at::Tensor;

// A session and everything that it calls run on one thread.
thread_local FusedAttention chosen = FusedAttention::kFlash;

// [B, H, N, dim]
Tensor run(FusedAttention attention, const Tensor& q, const Tensor& k, const Tensor& v) {
  switch (attention) {
    case FusedAttention::kCudnn:
      return std::get<0>(at::_scaled_dot_product_cudnn_attention(q, k, v, std::nullopt,
                                                                 /*compute_log_sumexp=*/false));
    case FusedAttention::kFlash:
      return std::get<0>(at::_scaled_dot_product_flash_attention(q, k, v));
    case FusedAttention::kEfficient:
      return std::get<0>(at::_scaled_dot_product_efficient_attention(q, k, v, std::nullopt,
                                                                     /*compute_log_sumexp=*/false));
  }
  return {};
}

// cuDNN's attention uses features of Hopper and Blackwell. FlashAttention 2 uses only those of
// Ampere.
std::vector<FusedAttention> in_order(int compute_capability) {
  using enum FusedAttention;
  if (compute_capability >= 90) return {kCudnn, kFlash, kEfficient};
  return {kFlash, kCudnn, kEfficient};
}

bool agrees(FusedAttention attention, int64_t head_dim, at::ScalarType type) {
  // As in the operators, q, k and v are views of packed rows.
  const auto options = at::TensorOptions(at::kCUDA).dtype(type);
  // The numbers are generated on the host, because a GPU's generator fails while any thread records
  // a graph.
  const Tensor qkv = at::randn({2, 65, 3, 2, head_dim}).to(options);
  const Tensor q = qkv.select(2, 0).transpose(1, 2), k = qkv.select(2, 1).transpose(1, 2),
               v = qkv.select(2, 2).transpose(1, 2);
  const Tensor scores = at::softmax(q.to(at::kFloat).matmul(k.to(at::kFloat).transpose(2, 3)) /
                                        std::sqrt(static_cast<double>(head_dim)),
                                    -1);
  const Tensor difference =
      (run(attention, q, k, v).to(at::kFloat) - scores.matmul(v.to(at::kFloat))).abs().max();
  return difference.item<float>() < (type == at::kBFloat16 ? 3e-2F : 5e-3F);
}

}  // namespace

std::string name(FusedAttention attention) {
  switch (attention) {
    case FusedAttention::kCudnn: return "cuDNN";
    case FusedAttention::kFlash: return "FlashAttention";
    case FusedAttention::kEfficient: return "memory-efficient";
  }
  return "";
}

FusedAttention choose_attention(int64_t head_dim, at::ScalarType type, int compute_capability) {
  return first_that_agrees(in_order(compute_capability), head_dim, [&](FusedAttention attention) {
    return agrees(attention, head_dim, type);
  });
}

void use_attention(FusedAttention attention) { chosen = attention; }

Tensor attend_cuda(const Tensor& q, const Tensor& k, const Tensor& v) {
  // cuDNN's attention does not support a single query.
  const bool one_query = q.size(2) == 1 && chosen == FusedAttention::kCudnn;
  // Each fused attention stores its result as [B, N, H, dim], so this copies nothing.
  return run(one_query ? FusedAttention::kFlash : chosen, q, k, v).transpose(1, 2).flatten(2);
}

}  // namespace llm2clip
