#include "engine/packed_texts.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "base/error.h"

namespace llm2clip {

PackedTexts packed_size(const TextSlots& texts) {
  PackedTexts size{texts.count, 0, texts.longest()};
  for (int64_t i = 0; i < texts.count; ++i) size.tokens += texts[i].tokens;
  return size;
}

void pack_texts(const TextSlots& texts, std::span<int32_t> to) {
  const PackedTexts size = packed_size(texts);
  const auto ids = to.begin(), places = ids + size.tokens, offsets = places + size.tokens,
             pooled = offsets + size.texts + 1;
  int64_t begin = 0;
  for (int64_t i = 0; i < size.texts; ++i) {
    const TextSlot text = texts[i];
    std::transform(text.ids, text.ids + text.tokens, ids + begin,
                   [](float id) { return static_cast<int32_t>(id); });
    std::iota(places + begin, places + begin + text.tokens, 0);
    offsets[i] = static_cast<int32_t>(begin);
    pooled[i] = static_cast<int32_t>(text.pooled);
    begin += text.tokens;
  }
  offsets[size.texts] = static_cast<int32_t>(begin);
}

void check_ids(const TextSlots& texts, int64_t vocabulary) {
  for (int64_t i = 0; i < texts.count; ++i) {
    const TextSlot text = texts[i];
    const auto last = static_cast<int64_t>(*std::max_element(text.ids, text.ids + text.tokens));
    if (last < vocabulary) continue;
    throw Error(
        ErrorCode::kEngineIncompatible,
        "expected tokens below " + std::to_string(vocabulary) + ", found " + std::to_string(last));
  }
}

}  // namespace llm2clip
