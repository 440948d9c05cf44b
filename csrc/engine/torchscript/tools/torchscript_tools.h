#pragma once

#include <vector>

#include "engine/calibrator.h"
#include "engine/linear_rate.h"
#include "engine/profiler.h"

namespace llm2clip {

// What the TorchScript engine offers beside running: the methods of these names of Calibrator,
// Profiler and LinearRate, one source file each.

Calibration torchscript_calibrate(const SessionOptions& options, const Images& images);

std::vector<double> torchscript_layer_effects(const SessionOptions& options, const Images& images,
                                              const std::vector<LayerSmoothing>& layers);

std::vector<OperatorTime> torchscript_profile(const SessionOptions& options, const BatchView& batch,
                                              int64_t rounds);

// On the CPU.
double torchscript_linear_gflops(const LinearSpec& spec);

}  // namespace llm2clip
