#pragma once

#include "engine/calibrator.h"

namespace llm2clip {

// Calibrator::calibrate() of the TorchScript engine.
Calibration torchscript_calibrate(const SessionOptions& options, const Images& images);

}  // namespace llm2clip
