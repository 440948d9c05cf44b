#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip {

// A TorchScript file of either flavour on a GPU: weights moved and padded, one CUDA graph a batch
// size, batches staged in pinned memory.
std::unique_ptr<Session> open_torchscript_cuda_session(const SessionOptions& options);

}  // namespace llm2clip
