#include "batch/text_rows.h"

#include <algorithm>

namespace llm2clip {
namespace {

constexpr int32_t kBlank[]{0};

// Writes `ones` ones at the end of a row and zeros before them.
void mask(std::span<int64_t> row, size_t ones) {
  const auto begin = row.end() - static_cast<int64_t>(ones);
  std::fill(row.begin(), begin, 0);
  std::fill(begin, row.end(), 1);
}

}  // namespace

void write_text_rows(const Texts& texts, const TextRows& rows) {
  for (int64_t i = 0; i < rows.batch; ++i) {
    const bool is_there = i < texts.count();
    const std::span<const int32_t> text = is_there ? texts.text(i) : kBlank;
    const auto row = [&](std::span<int64_t> all) {
      return all.subspan(static_cast<size_t>(i * rows.tokens), static_cast<size_t>(rows.tokens));
    };
    const auto ids = row(rows.ids);
    std::ranges::fill(ids.first(ids.size() - text.size()), 0);
    std::ranges::copy(text, ids.last(text.size()).begin());
    mask(row(rows.attention_mask), text.size());
    mask(row(rows.pool_mask),
         is_there ? static_cast<size_t>(texts.pooled[static_cast<size_t>(i)]) : 1);
  }
}

}  // namespace llm2clip
