#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace llm2clip {

// The fused attentions of libtorch that take texts of any length one after the other, in the order
// of their speed. Only the other one knows fp32, and GPUs before 8.0.
enum class TextAttention { kFlash, kEfficient };

std::string name(TextAttention attention);

// The first that runs heads of this size and type here and agrees with the plain one on random
// texts. Throws ERR_DEVICE_UNAVAILABLE when none does.
TextAttention choose_text_attention(int64_t head_dim, at::ScalarType type);

// The choice that operators called on this thread use.
void use_text_attention(TextAttention attention);

// All tokens of a text to all of it, by the choice made for the calling thread: q [N, H, dim], k
// and v [N, H / groups, dim], offsets [B + 1] int32 on the device → [N, H · dim]. No text is longer
// than `longest`.
at::Tensor attend_texts_cuda(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             const at::Tensor& offsets, int64_t longest);

}  // namespace llm2clip
