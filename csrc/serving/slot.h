#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "batch/batch_memory.h"
#include "batch/text_memory.h"

namespace llm2clip {

// A request's slot in a batch, for the kind of input that its ticket states. The last content that
// is written to it counts.
class Slot {
 public:
  // For an image or a feature.
  Slot(BatchMemory& memory, std::span<float> place) : memory_(&memory), place_(place) {}
  // For a text.
  Slot(TextMemory& texts, size_t text) : texts_(&texts), text_(text) {}

  // The numbers of the input; the caller must write all of them.
  std::span<float> numbers() const {
    memory_->begin(place_);
    return place_;
  }
  // Copies an image as it is. Returns false if the caller must write its numbers instead.
  bool take(const ImageView& image, const Preprocessing& how) const {
    memory_->begin(place_);
    return memory_->take(place_, image, how);
  }
  // Copies a text. Throws ERR_INVALID_ARG as check_text() does.
  void write(std::span<const int32_t> ids, int64_t pooled) const {
    texts_->write(text_, ids, pooled);
  }
  // Called after the input has been preprocessed.
  void filled() const noexcept {
    if (memory_ != nullptr) memory_->filled(place_);
  }

 private:
  BatchMemory* memory_ = nullptr;
  std::span<float> place_;
  TextMemory* texts_ = nullptr;
  size_t text_ = 0;
};

}  // namespace llm2clip
