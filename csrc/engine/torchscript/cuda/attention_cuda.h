#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace llm2clip {

// The fused attentions of libtorch. Its plain one, which stores tokens × tokens scores, is none of
// them: it is never taken.
enum class FusedAttention { kCudnn, kFlash, kEfficient };

std::string name(FusedAttention attention);

// Chooses for all sessions of this device: the first, in the order of this generation's fastest,
// that runs heads of this size and type and agrees with the plain one on random numbers. Throws
// ERR_DEVICE_UNAVAILABLE when none does.
FusedAttention choose_attention(int64_t head_dim, at::ScalarType type, int compute_capability);

// q, k, v: [B, H, N, dim] each → [B, N, H · dim], by the choice made for the calling thread.
at::Tensor attend_cuda(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

// The choice that operators called on this thread use.
void use_attention(FusedAttention attention);

}  // namespace llm2clip
