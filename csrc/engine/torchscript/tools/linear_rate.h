#pragma once

#include "engine/engine.h"

namespace llm2clip {

// Engine::linear_gflops() of the TorchScript engine, on the CPU.
double torchscript_linear_gflops(const LinearSpec& spec);

}  // namespace llm2clip
