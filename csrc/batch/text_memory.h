#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "batch/text_list.h"

namespace llm2clip {

// Where the texts of a batch lie until they run: a slot each, filled in any order.
class TextMemory {
 public:
  // For so many texts of at most so many tokens.
  TextMemory(size_t texts, size_t most_tokens);

  // From any thread, each slot from one at a time. Throws ERR_INVALID_ARG as check_text().
  void write(size_t slot, std::span<const int32_t> ids, int64_t pooled);
  // What a slot holds fills another one as well.
  void move(size_t from, size_t to) noexcept;
  // What `count` slots from `first` on hold, one text after the other. Valid until the next call.
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
  TextList packed_;           // what view() gave
};

}  // namespace llm2clip
