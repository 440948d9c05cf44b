#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "batch/batch_view.h"

namespace llm2clip {

// Throws ERR_INVALID_ARG for a text that has no token or more than `most`, for a negative id, and
// for a mean over no token or over more than there are.
void check_text(std::span<const int32_t> ids, int64_t pooled, int64_t most);

// Texts one after the other, in memory of its own.
class TextList {
 public:
  // A text as check_text() wants it.
  void add(std::span<const int32_t> ids, int64_t pooled);
  void clear();
  // Valid until the list changes.
  Texts view() const { return {ids_, offsets_, pooled_}; }

 private:
  std::vector<int32_t> ids_, offsets_{0}, pooled_;
};

}  // namespace llm2clip
