#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip {

// The engine that is part of the addon and runs on any CPU, without a vendor's library.
std::shared_ptr<Engine> cpu_engine();

}  // namespace llm2clip
