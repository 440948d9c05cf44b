#include "batch/text_memory.h"

#include <algorithm>

namespace llm2clip {

TextMemory::TextMemory(size_t texts, size_t most_tokens)
    : most_tokens_(most_tokens), ids_(texts * most_tokens), held_(texts) {}

void TextMemory::write(size_t slot, std::span<const int32_t> ids, int64_t pooled) {
  check_text(ids, pooled, static_cast<int64_t>(most_tokens_));
  std::ranges::copy(ids, room(slot).begin());
  held_[slot] = {ids.size(), pooled};
}

void TextMemory::move(size_t from, size_t to) noexcept {
  std::ranges::copy(room(from).first(held_[from].tokens), room(to).begin());
  held_[to] = held_[from];
}

Texts TextMemory::view(size_t first, size_t count) {
  packed_.clear();
  for (size_t slot = first; slot < first + count; ++slot) {
    packed_.add(room(slot).first(held_[slot].tokens), held_[slot].pooled);
  }
  return packed_.view();
}

}  // namespace llm2clip
