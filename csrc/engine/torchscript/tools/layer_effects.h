#pragma once

#include <vector>

#include "engine/calibrator.h"

namespace llm2clip {

// Calibrator::layer_effects() of the TorchScript engine.
std::vector<double> torchscript_layer_effects(const SessionOptions& options, const Images& images,
                                              const std::vector<LayerSmoothing>& layers);

}  // namespace llm2clip
