#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip {

// A language model or an adapter of either flavour on a GPU. Because texts come in any number and
// length, launches are not recorded as graphs. Inputs are sent from pinned memory, and the number
// of tokens that run at once is limited.
std::unique_ptr<Session> open_texts_cuda_session(const SessionOptions& options);

}  // namespace llm2clip
