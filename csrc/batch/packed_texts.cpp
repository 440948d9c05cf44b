#include "batch/packed_texts.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "base/error.h"

namespace llm2clip {

PackedTexts packed_size(const Texts& texts) {
  return {texts.count(), static_cast<int64_t>(texts.tokens().size()), texts.longest()};
}

void pack_texts(const Texts& texts, std::span<int32_t> to) {
  const PackedTexts size = packed_size(texts);
  const auto ids = to.begin(), places = ids + size.tokens, offsets = places + size.tokens,
             pooled = offsets + size.texts + 1;
  std::ranges::copy(texts.tokens(), ids);
  const int32_t first = texts.offsets.front();
  std::ranges::transform(texts.offsets, offsets,
                         [first](int32_t offset) { return offset - first; });
  for (int64_t i = 0; i < size.texts; ++i) {
    std::iota(places + offsets[i], places + offsets[i + 1], 0);
  }
  std::ranges::copy(texts.pooled, pooled);
}

void check_ids(const Texts& texts, int64_t vocabulary) {
  const int32_t last = std::ranges::max(texts.tokens());
  if (last < vocabulary) return;
  throw Error(
      ErrorCode::kEngineIncompatible,
      "expected tokens below " + std::to_string(vocabulary) + ", found " + std::to_string(last));
}

}  // namespace llm2clip
