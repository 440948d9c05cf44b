#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip {

// Loads any TorchScript file that takes options.input. For images and features, forward must take
// one tensor [B, input] f32 and return [B, E]. For texts, the file must be written by this project.
std::unique_ptr<Session> open_torchscript_session(const SessionOptions& options);

}  // namespace llm2clip
