#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "batch/batch_memory.h"
#include "batch/text_memory.h"

namespace llm2clip {

// A request's room in a batch, for the kind of input that its ticket says. It holds what is given
// last.
class Slot {
 public:
  // Of an image or a feature.
  Slot(BatchMemory& memory, std::span<float> place) : memory_(&memory), place_(place) {}
  // Of a text.
  Slot(TextMemory& texts, size_t text) : texts_(&texts), text_(text) {}

  // The input's numbers, all to be written.
  std::span<float> numbers() const {
    memory_->begin(place_);
    return place_;
  }
  // An image as it is, copied here; false where its numbers are to be written instead.
  bool take(const ImageView& image, const Preprocessing& how) const {
    memory_->begin(place_);
    return memory_->take(place_, image, how);
  }
  // A text, copied here. Throws ERR_INVALID_ARG as check_text().
  void write(std::span<const int32_t> ids, int64_t pooled) const {
    texts_->write(text_, ids, pooled);
  }
  // By whoever had it prepared, once it is.
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
