#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "batch/batch_view.h"

namespace llm2clip {

// Throws ERR_INVALID_ARG for a text without tokens or with more than `most`, for a negative id, and
// for a mean over no token or over more tokens than there are.
void check_text(std::span<const int32_t> ids, int64_t pooled, int64_t most);

// Texts one after the other, in memory of their own.
class TextList {
 public:
  // The text must pass check_text().
  void add(std::span<const int32_t> ids, int64_t pooled);
  void clear();
  // Valid until the list changes.
  Texts view() const { return {ids_, offsets_, pooled_}; }

 private:
  std::vector<int32_t> ids_, offsets_{0}, pooled_;
};

}  // namespace llm2clip
