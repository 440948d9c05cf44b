#pragma once

#include "engine/profiler.h"

namespace llm2clip {

// Profiler::profile() of the TorchScript engine.
std::vector<OperatorTime> torchscript_profile(const SessionOptions& options, const BatchView& batch,
                                              int64_t rounds);

}  // namespace llm2clip
