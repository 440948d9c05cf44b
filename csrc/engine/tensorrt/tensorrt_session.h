#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip::tensorrt {

// Loads a plan that tensorrt_builder() wrote, or one made elsewhere that takes and gives the same.
// The device is checked before the plan is read.
std::unique_ptr<Session> open_tensorrt_session(const SessionOptions& options);

// Size of the embeddings of a plan. Needs a GPU; without one it finds what is no plan
// (ERR_ENGINE_INCOMPATIBLE), and of the rest says ERR_DEVICE_UNAVAILABLE.
int64_t inspect_plan(const SessionOptions& options);

}  // namespace llm2clip::tensorrt
