#pragma once

#include <torch/csrc/jit/api/module.h>

#include <cstdint>
#include <optional>

namespace llm2clip {

// What a session must know of a language model, read from its graph.

// Rows of the table of tokens, in either flavour; 0 where there is none.
int64_t vocabulary(const torch::jit::Module& module);

// Numbers of a head of a native file, as long as its weights are not moved; none without attention.
std::optional<int64_t> text_head_dim(const torch::jit::Module& module);

}  // namespace llm2clip
