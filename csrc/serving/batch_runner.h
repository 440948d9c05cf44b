#pragma once

#include <memory>

#include "batch/batch_memory.h"
#include "batch/batch_view.h"
#include "batch/embeddings.h"
#include "serving/output.h"

namespace llm2clip {

// Runs batches: the engines, or a fake in tests. It is opened, used and destroyed on one thread.
class BatchRunner {
 public:
  virtual ~BatchRunner() = default;
  // Returns memory for the images or features of a largest batch. It must outlive the runner, and
  // is requested on the runner's thread.
  virtual std::unique_ptr<BatchMemory> batch_memory(size_t floats) {
    return std::make_unique<PlainBatchMemory>(floats);
  }
  // Images and features are in memory from batch_memory().
  virtual Embeddings run(const BatchView& batch, const Output& output) = 0;
};

}  // namespace llm2clip
