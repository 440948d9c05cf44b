#pragma once

#include <memory>
#include <span>

#include "cuda/memory.h"
#include "engine/engine.h"
#include "serving/batch_runner.h"

namespace llm2clip {

// Real sessions allocate all their memory when they open, so their runs never lack any. The runs of
// this one do allocate: each image of a batch takes as many MiB of the GPU as the first number of
// its slot says.
class HungryRunner final : public BatchRunner {
 public:
  HungryRunner(std::unique_ptr<Session> session, size_t slot)
      : session_(std::move(session)), slot_(slot) {}

  std::unique_ptr<BatchMemory> batch_memory(size_t floats) override {
    return session_->batch_memory(floats);
  }

  BatchResult run(std::span<const float> pixels, int64_t batch, const Output&) override {
    size_t mib = 0;
    for (size_t i = 0; i < pixels.size(); i += slot_) mib += static_cast<size_t>(pixels[i]);
    const DeviceMemory wanted(mib << 20);
    const Embeddings out = session_->run(pixels.data(), batch);
    return {{out.data, static_cast<size_t>(out.batch * out.dim)}, out.owner};
  }

 private:
  std::unique_ptr<Session> session_;
  size_t slot_;
};

}  // namespace llm2clip
