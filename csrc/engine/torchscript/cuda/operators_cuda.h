#pragma once

#include <torch/library.h>

namespace llm2clip {

// torch.ops.llm2clip.* on a GPU. These functions check shapes and types; csrc/kernels/cuda,
// cuBLASLt and a fused attention compute. The weights must have been laid out by
// move_and_pad_weights().
void implement_operators(torch::Library& library);

// Those that the text side alone has, over texts as text_run.h gives them. Its other operators are
// those above.
void implement_text_operators(torch::Library& library);

}  // namespace llm2clip
