#pragma once

#include <vector>

#include "engine/linear_rate.h"
#include "engine/profiler.h"

namespace llm2clip {

// The tools of the TorchScript engine: the methods of Profiler and LinearRate with these names.
// Each has its own source file.

std::vector<OperatorTime> torchscript_profile(const SessionOptions& options, const BatchView& batch,
                                              int64_t rounds);

// Measures on the CPU.
double torchscript_linear_gflops(const LinearSpec& spec);

}  // namespace llm2clip
