#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip {

// Loads any TorchScript file whose forward takes one tensor [B, one input] f32 and gives [B, E],
// and those of texts that this project writes.
std::unique_ptr<Session> open_torchscript_session(const SessionOptions& options);

}  // namespace llm2clip
