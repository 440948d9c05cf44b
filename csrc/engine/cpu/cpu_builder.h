#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip::cpu {

// Writes a plan and its weights into one data file.
std::unique_ptr<Builder> cpu_builder(const BuildOptions& options);

}  // namespace llm2clip::cpu
