#pragma once

#include <vector>

#include "engine/calibrator.h"
#include "engine/linear_rate.h"
#include "engine/profiler.h"

namespace llm2clip {

// The tools of the TorchScript engine: the methods of Calibrator, Profiler and LinearRate with
// these names. Each has its own source file.

Calibration torchscript_calibrate(const SessionOptions& options, const Images& images);

std::vector<double> torchscript_layer_effects(const SessionOptions& options, const Images& images,
                                              const std::vector<LayerSmoothing>& layers);

std::vector<OperatorTime> torchscript_profile(const SessionOptions& options, const BatchView& batch,
                                              int64_t rounds);

// Measures on the CPU.
double torchscript_linear_gflops(const LinearSpec& spec);

}  // namespace llm2clip
