#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip {

// A language model or an adapter of either flavour on a GPU. Texts come in any number and length:
// what a run launches is no graph's, inputs go over from pinned memory, and the tokens that run at
// once are bounded.
std::unique_ptr<Session> open_texts_cuda_session(const SessionOptions& options);

}  // namespace llm2clip
