#pragma once

#include <vector>

#include "engine/calibrator.h"
#include "engine/linear_rate.h"
#include "engine/profiler.h"

namespace llm2clip::cpu {

// The tools of the cpu engine: the methods of Calibrator, Profiler and LinearRate with these names.

Calibration calibrate(const SessionOptions& options, const Images& images);

std::vector<double> layer_effects(const SessionOptions& options, const Images& images,
                                  const std::vector<LayerSmoothing>& layers);

std::vector<OperatorTime> profile(const SessionOptions& options, const BatchView& batch,
                                  int64_t rounds);

double linear_gflops(const LinearSpec& spec);

}  // namespace llm2clip::cpu
