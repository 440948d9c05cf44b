#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace llm2clip {

// The fused attentions of libtorch. Its plain attention, which stores tokens × tokens scores, is
// never used.
enum class FusedAttention { kCudnn, kFlash, kEfficient };

std::string name(FusedAttention attention);

// Chooses the attention for a session of this device: the first one that runs heads of this size
// and type and agrees with the plain attention on random numbers. The fastest for this GPU
// generation is tried first. Throws ERR_DEVICE_UNAVAILABLE when there is none.
FusedAttention choose_attention(int64_t head_dim, at::ScalarType type, int compute_capability);

// q, k, v: [B, H, N, dim] each → [B, N, H · dim], with the attention chosen for the calling thread.
at::Tensor attend_cuda(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

// Sets the attention for operators that are called on this thread.
void use_attention(FusedAttention attention);

}  // namespace llm2clip
