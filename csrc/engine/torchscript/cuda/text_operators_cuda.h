#pragma once

#include <torch/library.h>

namespace llm2clip {

// Those of torch.ops.llm2clip.* that are the text side's alone, as operators_cuda.h has the others.
// Texts are as text_run.h gives them; the others of the text side need nothing of their own here.
void implement_text_operators(torch::Library& library);

}  // namespace llm2clip
