#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip {

// Loads any TorchScript file whose forward takes pixel_values [B, 3, S, S] f32 and gives [B, E].
std::unique_ptr<Session> open_torchscript_session(const SessionOptions& options);

}  // namespace llm2clip
