#pragma once

#include <cstdint>
#include <span>

#include "batch/batch_view.h"

namespace llm2clip {

// Texts as rows of one length, padded on the left: [batch, tokens] each.
struct TextRows {
  int64_t batch, tokens;
  std::span<int64_t> ids;
  std::span<int64_t> attention_mask;  // 1 where there is a token
  std::span<int64_t> pool_mask;       // 1 where it counts for the mean
};

// Writes all of `rows`, which have room for the texts and for the longest. Token 0 is as good as
// another where the mask hides it; rows past the last text hold that token once, as an attention to
// nothing and a mean over nothing are no numbers.
void write_text_rows(const Texts& texts, const TextRows& rows);

}  // namespace llm2clip
