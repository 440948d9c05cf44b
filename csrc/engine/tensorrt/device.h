#pragma once

#include <string>
#include <vector>

#include "cuda/probe.h"
#include "engine/engine.h"

namespace llm2clip::tensorrt {

// For example 89 for a GPU of compute capability 8.9.
int compute_capability(const CudaDevice& device);

// Returns the GPU that options.device names. Throws ERR_DEVICE_UNAVAILABLE with the reason when
// there is no such GPU, and ERR_ENGINE_INCOMPATIBLE when the engine was built for other GPUs.
CudaDevice require_device(const SessionOptions& options);

// Returns the compute capabilities to build for: the requested ones, or that of this machine's
// first GPU. Throws ERR_DEVICE_UNAVAILABLE when a GPU is needed but there is none.
std::vector<int> build_targets(const BuildOptions& options);

}  // namespace llm2clip::tensorrt
