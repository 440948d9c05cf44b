#pragma once

#include <torch/csrc/jit/api/module.h>

namespace llm2clip {

// Makes one operator, norm_head, of the last add_layer_norm of forward and the linear behind it
// where nothing else reads them: how towers end whose embedding is their class token's. Gives
// whether it did; others stay as they are. Before the module's first run.
bool fuse_head(torch::jit::Module& module);

}  // namespace llm2clip
