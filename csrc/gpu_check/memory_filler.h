#pragma once

#include <vector>

#include "base/error.h"
#include "cuda/context.h"
#include "cuda/memory.h"

namespace llm2clip {

// Allocates a GPU's memory in ever smaller pieces, until no more than `room` bytes are free. The
// destructor frees it, on the thread of the constructor. The context must outlive the filler.
class MemoryFiller {
 public:
  MemoryFiller(const CudaContext& context, size_t room) : context_(context) {
    context.make_current();
    // The smallest allocation of the driver.
    constexpr size_t kLeast = size_t{2} << 20;
    for (size_t piece = size_t{4} << 30; piece >= kLeast;) {
      const size_t free = context.memory().free;
      if (free < room + piece || !take(piece)) piece /= 2;
    }
  }
  ~MemoryFiller() {
    // A session that closed in the meantime may have unset the context.
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
