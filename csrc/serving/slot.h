#pragma once

#include <span>

#include "serving/batch_memory.h"

namespace llm2clip {

// A request's room in a batch. It holds what is given last.
class Slot {
 public:
  Slot(BatchMemory& memory, std::span<float> place) : memory_(&memory), place_(place) {}

  // The input's numbers, all to be written.
  std::span<float> numbers() const {
    memory_->begin(place_);
    return place_;
  }
  // A picture as it is, copied here; false where its numbers are to be written instead.
  bool take(const ImageView& image, const Preprocessing& how) const {
    memory_->begin(place_);
    return memory_->take(place_, image, how);
  }
  // By whoever had it prepared, once it is.
  void filled() const noexcept { memory_->filled(place_); }

 private:
  BatchMemory* memory_;
  std::span<float> place_;
};

}  // namespace llm2clip
