#pragma once

#include <torch/library.h>

namespace llm2clip {

// The operators of torch.ops.llm2clip.* that only the text side uses; operators_cuda.h has the
// shared ones. text_run.h provides the texts of a run.
void implement_text_operators(torch::Library& library);

}  // namespace llm2clip
