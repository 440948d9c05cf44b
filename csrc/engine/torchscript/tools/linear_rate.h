#pragma once

#include "engine/linear_rate.h"

namespace llm2clip {

// LinearRate::gflops() of the TorchScript engine, on the CPU.
double torchscript_linear_gflops(const LinearSpec& spec);

}  // namespace llm2clip
