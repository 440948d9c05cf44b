#include "engine/text_rows.h"

#include <algorithm>

namespace llm2clip {
namespace {

// Ones at the end of a row, zeros before them.
void mask(std::span<int64_t> row, int64_t ones) {
  const auto begin = row.end() - ones;
  std::fill(row.begin(), begin, 0);
  std::fill(begin, row.end(), 1);
}

}  // namespace

int64_t TextSlots::longest() const {
  int64_t most = 0;
  for (int64_t i = 0; i < count; ++i) most = std::max(most, (*this)[i].tokens);
  return most;
}

void write_text_rows(const TextSlots& texts, const TextRows& rows) {
  constexpr float kBlank[]{0};
  for (int64_t i = 0; i < rows.batch; ++i) {
    const TextSlot text = i < texts.count ? texts[i] : TextSlot{kBlank, 1, 1};
    const auto row = [&](std::span<int64_t> all) {
      return all.subspan(static_cast<size_t>(i * rows.tokens), static_cast<size_t>(rows.tokens));
    };
    const auto ids = row(rows.ids);
    std::fill(ids.begin(), ids.end() - text.tokens, 0);
    std::transform(text.ids, text.ids + text.tokens, ids.end() - text.tokens,
                   [](float id) { return static_cast<int64_t>(id); });
    mask(row(rows.attention_mask), text.tokens);
    mask(row(rows.pool_mask), text.pooled);
  }
}

}  // namespace llm2clip
