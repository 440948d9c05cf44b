#pragma once

#include <c10/cuda/CUDACachingAllocator.h>

#include <mutex>

#include "engine/torchscript/cuda/bucket_graphs.h"

namespace llm2clip {

// Its destructor gives the GPU memory that libtorch has cached back to the driver, also when a
// session fails to open. Declare this member before all members that hold such memory.
struct KeptMemory {
  KeptMemory() = default;
  ~KeptMemory() {
    const std::lock_guard lock(recording_mutex());
    try {
      c10::cuda::CUDACachingAllocator::emptyCache();
    } catch (const c10::Error&) {
      // A lost device has no memory to return.
    }
  }
  KeptMemory(const KeptMemory&) = delete;
  KeptMemory& operator=(const KeptMemory&) = delete;
};

}  // namespace llm2clip
