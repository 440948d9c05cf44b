#pragma once

#include "cuda/driver_api.h"

namespace llm2clip {

// Launches a kernel that traps. From then on this process has lost the GPU, so use it only in a
// process made for that.
void launch_trap(CudaStreamHandle stream);

}  // namespace llm2clip
