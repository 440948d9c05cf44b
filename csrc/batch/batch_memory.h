#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>

namespace llm2clip {

struct ImageView;
struct Preprocessing;

// Memory for the images or the features of a batch, which the runner of batches reads fastest. A
// slot of it holds the numbers of one input, or an image that is preprocessed later.
class BatchMemory {
 public:
  virtual ~BatchMemory() = default;
  virtual std::span<float> pixels() = 0;
  // Announces that a slot will be written. This and the methods below may be called from any
  // thread.
  virtual void begin(std::span<float> /*slot*/) noexcept {}
  // Copies this image into a begun slot in place of its pixels, of which there would be as many as
  // the slot has numbers. Returns false if the caller must write the pixels instead.
  virtual bool take(std::span<float> /*slot*/, const ImageView&, const Preprocessing&) {
    return false;
  }
  // Tells that these slots are complete and will not change before the batch has run, so that their
  // transfer to a device may begin. Errors are reported when the batch runs.
  virtual void filled(std::span<const float>) noexcept {}
  // Copies the content of a filled slot to another slot.
  virtual void move(std::span<const float> from, std::span<float> to) noexcept {
    std::ranges::copy(from, to.begin());
    filled(to);
  }
};

// Memory of the host, for runners that read it directly.
class PlainBatchMemory final : public BatchMemory {
 public:
  explicit PlainBatchMemory(size_t floats) : pixels_(new float[floats]()), floats_(floats) {}
  std::span<float> pixels() override { return {pixels_.get(), floats_}; }

 private:
  std::unique_ptr<float[]> pixels_;
  size_t floats_;
};

}  // namespace llm2clip
