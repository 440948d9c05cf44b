#pragma once

#include <c10/cuda/CUDACachingAllocator.h>

#include <mutex>

#include "engine/torchscript/cuda/bucket_graphs.h"

namespace llm2clip {

// What libtorch keeps of freed memory of the GPU is given back when this goes, whether its session
// has opened or not: a member declared before all that holds such memory.
struct KeptMemory {
  KeptMemory() = default;
  ~KeptMemory() {
    const std::lock_guard lock(recording_mutex());
    try {
      c10::cuda::CUDACachingAllocator::emptyCache();
    } catch (const c10::Error&) {
      // Of a lost device nothing is to be had back.
    }
  }
  KeptMemory(const KeptMemory&) = delete;
  KeptMemory& operator=(const KeptMemory&) = delete;
};

}  // namespace llm2clip
