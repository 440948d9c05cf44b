#pragma once

#include <vector>

#include "engine/engine.h"

namespace llm2clip {

// Engine::layer_effects() of the TorchScript engine.
std::vector<double> torchscript_layer_effects(const SessionOptions& options, const float* pixels,
                                              int64_t count,
                                              const std::vector<LayerSmoothing>& layers);

}  // namespace llm2clip
