#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip::tensorrt {

// Loads a plan from tensorrt_builder(), or from elsewhere if it has the same inputs and outputs.
// The device is checked before the plan is read.
std::unique_ptr<Session> open_tensorrt_session(const SessionOptions& options);

// Returns the embedding dimension of a plan. This needs a GPU. Without a GPU, it throws
// ERR_ENGINE_INCOMPATIBLE for a file that is not a plan, and ERR_DEVICE_UNAVAILABLE for others.
int64_t inspect_plan(const SessionOptions& options);

}  // namespace llm2clip::tensorrt
