#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace llm2clip {

// What a run gave: [batch, dim], valid as long as `owner` lives.
struct BatchResult {
  std::span<const float> embeddings;
  std::shared_ptr<const void> owner;
};

// What runs a batch: an engine, or what stands for one in tests. Opened, run and destroyed on one
// thread.
class BatchRunner {
 public:
  virtual ~BatchRunner() = default;
  // pixels: [batch, slot]
  virtual BatchResult run(std::span<const float> pixels, int64_t batch) = 0;
};

}  // namespace llm2clip
