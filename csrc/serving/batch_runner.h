#pragma once

#include <memory>

#include "batch/batch_memory.h"
#include "batch/batch_view.h"
#include "batch/embeddings.h"
#include "serving/output.h"

namespace llm2clip {

// What runs a batch: engines, or what stands for them in tests. Opened, run and destroyed on one
// thread.
class BatchRunner {
 public:
  virtual ~BatchRunner() = default;
  // For the images, or features, of a largest batch; outlives the runner. Asked for on the runner's
  // thread.
  virtual std::unique_ptr<BatchMemory> batch_memory(size_t floats) {
    return std::make_unique<PlainBatchMemory>(floats);
  }
  // Images and features lie in such memory.
  virtual Embeddings run(const BatchView& batch, const Output& output) = 0;
};

}  // namespace llm2clip
