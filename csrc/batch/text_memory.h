#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "batch/text_list.h"

namespace llm2clip {

// Memory for the texts of a batch until they run. It has one slot per text, and the slots may be
// filled in any order.
class TextMemory {
 public:
  // For `texts` texts of at most `most_tokens` tokens.
  TextMemory(size_t texts, size_t most_tokens);

  // May be called from any thread, but for one slot only from one at a time. Throws ERR_INVALID_ARG
  // as check_text() does.
  void write(size_t slot, std::span<const int32_t> ids, int64_t pooled);
  // Copies the content of a slot to another slot.
  void move(size_t from, size_t to) noexcept;
  // Returns the texts of `count` slots from `first` on. Valid until the next call.
  Texts view(size_t first, size_t count);

 private:
  struct Held {
    size_t tokens;
    int64_t pooled;
  };
  std::span<int32_t> room(size_t slot) {
    return std::span(ids_).subspan(slot * most_tokens_, most_tokens_);
  }

  size_t most_tokens_;
  std::vector<int32_t> ids_;  // [texts, most_tokens]
  std::vector<Held> held_;    // [texts]
  TextList packed_;           // the result of the last view()
};

}  // namespace llm2clip
