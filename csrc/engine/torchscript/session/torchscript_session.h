#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip {

// Loads any TorchScript file that takes options.input: of images and features any whose forward
// takes one tensor [B, one input] f32 and gives [B, E], of texts those that this project writes.
std::unique_ptr<Session> open_torchscript_session(const SessionOptions& options);

}  // namespace llm2clip
