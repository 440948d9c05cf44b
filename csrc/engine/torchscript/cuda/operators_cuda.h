#pragma once

#include <torch/library.h>

namespace llm2clip {

// torch.ops.llm2clip.* on a GPU: shapes and types are checked here, the arithmetic is
// csrc/kernels/cuda's, cuBLASLt's and a fused attention's. Weights are as move_and_pad_weights()
// left them.
void implement_operators(torch::Library& library);

// Those that the text side alone has, over texts as text_run.h gives them. Its other operators are
// those above.
void implement_text_operators(torch::Library& library);

}  // namespace llm2clip
