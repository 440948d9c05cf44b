#pragma once

#include "cuda/driver_api.h"

namespace llm2clip {

// Puts a kernel on the stream that ends with a trap: this process has lost the GPU as soon as it
// runs. Only for a process that is there to lose it.
void launch_trap(CudaStreamHandle stream);

}  // namespace llm2clip
