#pragma once

#include <torch/csrc/jit/api/module.h>

namespace llm2clip {

// Fuses the last add_layer_norm of forward() and the linear after it into one operator, norm_head,
// if nothing else reads their values. Towers whose embedding comes from the class token end like
// this. Returns true if it fused them; other modules stay unchanged. Call it before the module's
// first run.
bool fuse_head(torch::jit::Module& module);

}  // namespace llm2clip
