#pragma once

#include <torch/csrc/jit/api/module.h>

namespace llm2clip {

// What a session changes in a native module when it loads it, in this order and before the module's
// first run.

// Moves a native module's weights to a GPU, one by one, and changes them to layouts that its
// kernels are fast with. The hidden width of a SwiGLU is padded to a multiple of 64 in the linears
// before and after it, and a patch to a multiple of 8 elements. Biases get the weights' type, and
// angles are stored once per pair. The module's graph tells which weight needs which layout.
void move_and_pad_weights(torch::jit::Module& module, c10::Device device);

// Replaces the last add_layer_norm of forward and the linear layer behind it by one operator,
// norm_head, if nothing else reads their results. Towers whose embedding comes from the class token
// end like this. Returns whether it did so; other modules are unchanged.
bool fuse_head(torch::jit::Module& module);

}  // namespace llm2clip
