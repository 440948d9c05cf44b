#pragma once

#include "engine/engine.h"

namespace llm2clip {

// Of a file made elsewhere: runs a blank image and looks at the types of the matrices that it
// multiplies. Blocks the calling thread. Throws as Engine::inspect().
Inspection torchscript_inspect(const SessionOptions& options);

}  // namespace llm2clip
