#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip::tensorrt {

// Writes a TensorRT plan: pixel_values f32 [B, 3, S, S] → embedding f32 [B, E], for batches of 1 to
// options.max_batch.
std::unique_ptr<Builder> tensorrt_builder(const BuildOptions& options);

}  // namespace llm2clip::tensorrt
