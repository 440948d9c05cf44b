#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace llm2clip {

// The fused attentions of libtorch for packed texts of any length, fastest first. Only the second
// one supports fp32 and GPUs before 8.0.
enum class TextAttention { kFlash, kEfficient };

std::string name(TextAttention attention);

// Returns the first one that runs heads of this size and type on this GPU and agrees with the plain
// attention on random texts. Throws ERR_DEVICE_UNAVAILABLE when there is none.
TextAttention choose_text_attention(int64_t head_dim, at::ScalarType type);

// Sets the attention for operators that are called on this thread.
void use_text_attention(TextAttention attention);

// Every token attends to all tokens of its text, with the attention chosen for the calling thread:
// q [N, H, dim], k and v [N, H / groups, dim], offsets [B + 1] int32 on the device → [N, H · dim].
// No text may be longer than `longest`.
at::Tensor attend_texts_cuda(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             const at::Tensor& offsets, int64_t longest);

}  // namespace llm2clip
