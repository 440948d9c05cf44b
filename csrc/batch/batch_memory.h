#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>

namespace llm2clip {

struct ImageView;
struct Preprocessing;

// Where the images or the features of a batch lie: memory that whoever runs batches reads fastest.
// A slot of it holds one input's numbers, or instead of them an image that is preprocessed later.
class BatchMemory {
 public:
  virtual ~BatchMemory() = default;
  virtual std::span<float> pixels() = 0;
  // A slot is about to be written. From any thread, as are those below.
  virtual void begin(std::span<float> /*slot*/) noexcept {}
  // Has a begun slot hold this picture, copied, of which preprocess() gives the pixels: as many as
  // the slot has. False where its pixels had better be written.
  virtual bool take(std::span<float> /*slot*/, const ImageView&, const Preprocessing&) {
    return false;
  }
  // These slots are complete, and stay so until the batch has run: their way to a device may begin.
  // What goes wrong shows when the batch runs.
  virtual void filled(std::span<const float>) noexcept {}
  // What a filled slot holds fills another one as well.
  virtual void move(std::span<const float> from, std::span<float> to) noexcept {
    std::ranges::copy(from, to.begin());
    filled(to);
  }
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
