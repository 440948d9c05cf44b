#pragma once

#include <vector>

#include "base/error.h"
#include "cuda/context.h"
#include "cuda/memory.h"

namespace llm2clip {

// Takes a GPU's memory, in pieces that get smaller, until no more than `room` bytes are free. All
// is given back when it goes, on the thread that made it; the context outlives it.
class MemoryFiller {
 public:
  MemoryFiller(const CudaContext& context, size_t room) : context_(context) {
    context.make_current();
    // What the driver gives at least.
    constexpr size_t kLeast = size_t{2} << 20;
    for (size_t piece = size_t{4} << 30; piece >= kLeast;) {
      const size_t free = context.memory().free;
      if (free < room + piece || !take(piece)) piece /= 2;
    }
  }
  ~MemoryFiller() {
    // Sessions that went meanwhile left none.
    context_.make_current();
  }
  MemoryFiller(const MemoryFiller&) = delete;
  MemoryFiller& operator=(const MemoryFiller&) = delete;

 private:
  bool take(size_t bytes) {
    try {
      taken_.emplace_back(bytes);
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kOutOfMemory) throw;
      return false;
    }
  }

  const CudaContext& context_;
  std::vector<DeviceMemory> taken_;
};

}  // namespace llm2clip
