#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip::tensorrt {

// Writes a TensorRT plan for batches of 1 to options.max_batch. Its inputs are pixel_values f32
// [B, 3, S, S], or text_features f32 [B, D], or input_ids, attention_mask and pool_mask int64
// [B, N], with at most as many tokens as options.input says. Its output is embedding f32 [B, E].
std::unique_ptr<Builder> tensorrt_builder(const BuildOptions& options);

}  // namespace llm2clip::tensorrt
