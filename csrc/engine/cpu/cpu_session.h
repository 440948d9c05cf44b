#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip::cpu {

// Opens a data file that cpu_builder() wrote and that takes options.input.
std::unique_ptr<Session> open_cpu_session(const SessionOptions& options);

}  // namespace llm2clip::cpu
