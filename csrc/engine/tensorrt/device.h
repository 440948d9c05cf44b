#pragma once

#include <string>
#include <vector>

#include "cuda/probe.h"
#include "engine/engine.h"

namespace llm2clip::tensorrt {

// 89 of a GPU with compute capability 8.9.
int compute_capability(const CudaDevice& device);

// The GPU that options.device names. Throws ERR_DEVICE_UNAVAILABLE where it is not there, with the
// reason, and ERR_ENGINE_INCOMPATIBLE where the engine was built for others.
CudaDevice require_device(const SessionOptions& options);

// Those to build for that are asked for, else that of this machine's first GPU. Throws
// ERR_DEVICE_UNAVAILABLE where one is needed and not there.
std::vector<int> build_targets(const BuildOptions& options);

}  // namespace llm2clip::tensorrt
