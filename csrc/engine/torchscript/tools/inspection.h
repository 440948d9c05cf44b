#pragma once

#include "engine/engine.h"

namespace llm2clip {

// Inspects a file that was made elsewhere: runs a blank image and records the types of the matrices
// that it multiplies. Blocks the calling thread. Throws as Engine::inspect() does.
Inspection torchscript_inspect(const SessionOptions& options);

}  // namespace llm2clip
