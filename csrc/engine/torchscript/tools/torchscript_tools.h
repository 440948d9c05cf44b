#pragma once

#include <vector>

#include "engine/engine.h"

namespace llm2clip {

// What the TorchScript engine offers beside running: Engine's methods of these names, one source
// file each.

Calibration torchscript_calibrate(const SessionOptions& options, const float* pixels,
                                  int64_t count);

std::vector<double> torchscript_layer_effects(const SessionOptions& options, const float* pixels,
                                              int64_t count,
                                              const std::vector<LayerSmoothing>& layers);

std::vector<OperatorTime> torchscript_profile(const SessionOptions& options, const float* pixels,
                                              int64_t batch, int64_t rounds);

// On the CPU.
double torchscript_linear_gflops(const LinearSpec& spec);

}  // namespace llm2clip
