#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "serving/batch_memory.h"
#include "serving/output.h"

namespace llm2clip {

// What a run gave: [batch, dim] of its output, valid as long as `owner` lives.
struct BatchResult {
  std::span<const float> embeddings;
  std::shared_ptr<const void> owner;
};

// What runs a batch: an engine, or what stands for one in tests. Opened, run and destroyed on one
// thread.
class BatchRunner {
 public:
  virtual ~BatchRunner() = default;
  // For the pixels of a largest batch; outlives the runner. Asked for on the runner's thread.
  virtual std::unique_ptr<BatchMemory> batch_memory(size_t floats) {
    return std::make_unique<PlainBatchMemory>(floats);
  }
  // pixels: [batch, slot], of such memory.
  virtual BatchResult run(std::span<const float> pixels, int64_t batch, const Output& output) = 0;
};

}  // namespace llm2clip
