#pragma once

#include "engine/engine.h"

namespace llm2clip {

// Engine::calibrate() of the TorchScript engine.
Calibration torchscript_calibrate(const SessionOptions& options, const float* pixels,
                                  int64_t count);

}  // namespace llm2clip
