#pragma once

#include <memory>

#include "cuda/memory.h"
#include "engine/engine.h"
#include "serving/batch_runner.h"

namespace llm2clip {

// Real sessions allocate all their memory when they open, so their runs never lack any. The runs of
// this one do allocate: each image of a batch takes as many MiB of the GPU as the first number of
// its slot says.
class HungryRunner final : public BatchRunner {
 public:
  explicit HungryRunner(std::unique_ptr<Session> session) : session_(std::move(session)) {}

  std::unique_ptr<BatchMemory> batch_memory(size_t floats) override {
    return session_->batch_memory(floats);
  }

  Embeddings run(const BatchView& batch, const Output&) override {
    const auto& images = std::get<Images>(batch);
    size_t mib = 0;
    for (int64_t i = 0; i < images.count; ++i) {
      mib += static_cast<size_t>(*images.some(i, 1).pixels);
    }
    const DeviceMemory wanted(mib << 20);
    return session_->run(batch);
  }

 private:
  std::unique_ptr<Session> session_;
};

}  // namespace llm2clip
