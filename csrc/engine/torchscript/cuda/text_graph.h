#pragma once

#include <torch/csrc/jit/api/module.h>

#include <cstdint>
#include <optional>

namespace llm2clip {

// Facts about a language model that a session reads from its graph.

// The number of rows of the token table, for both flavours, or 0 if there is none.
int64_t vocabulary(const torch::jit::Module& module);

// The head dimension of a native file, or nothing if it has no attention. Call it before the
// weights are moved.
std::optional<int64_t> text_head_dim(const torch::jit::Module& module);

}  // namespace llm2clip
