#pragma once

#include <cstdint>

#include "batch/batch_view.h"

namespace llm2clip {

// This many tokens keep a thread busy. With more at once, operations would push each other's data
// out of the caches.
constexpr int64_t kTokensPerThread = 300;

// Splits a batch into runs of at most `most` tokens, or of a single input. All runs get about the
// same number of tokens. Returns the number of inputs to run first, at least one. An input that is
// not a text has `tokens` tokens.
int64_t evenly_at_once(const BatchView& batch, int64_t tokens, int64_t most);

}  // namespace llm2clip
