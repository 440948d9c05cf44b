#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip {

// A TorchScript file of either flavour on a GPU. Native weights are moved and padded, one CUDA
// graph is recorded per batch size, and batches are staged in pinned memory.
std::unique_ptr<Session> open_torchscript_cuda_session(const SessionOptions& options);

}  // namespace llm2clip
