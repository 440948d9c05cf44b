#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace llm2clip {

// Where the pixels of a batch lie: memory that whoever runs batches reads fastest.
class BatchMemory {
 public:
  virtual ~BatchMemory() = default;
  virtual std::span<float> pixels() = 0;
  // These pictures are complete, and stay so until the batch has run: their way to a device may
  // begin. From any thread; never throws, what goes wrong shows when the batch runs.
  virtual void filled(std::span<const float>) noexcept {}
};

// What reads the host's own memory asks for no more.
class PlainBatchMemory final : public BatchMemory {
 public:
  explicit PlainBatchMemory(size_t floats) : pixels_(new float[floats]()), floats_(floats) {}
  std::span<float> pixels() override { return {pixels_.get(), floats_}; }

 private:
  std::unique_ptr<float[]> pixels_;
  size_t floats_;
};

}  // namespace llm2clip
