#pragma once

#include "engine/engine.h"

namespace llm2clip {

// Engine::profile() of the TorchScript engine.
std::vector<OperatorTime> torchscript_profile(const SessionOptions& options, const float* pixels,
                                              int64_t batch, int64_t rounds);

}  // namespace llm2clip
