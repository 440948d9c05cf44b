#pragma once

#include <cstdint>
#include <span>

#include "batch/batch_view.h"

namespace llm2clip {

// Texts as rows of one length, padded on the left. Each member is [batch, tokens].
struct TextRows {
  int64_t batch, tokens;
  std::span<int64_t> ids;
  std::span<int64_t> attention_mask;  // 1 for a token, 0 for padding
  std::span<int64_t> pool_mask;       // 1 for a token that counts for the mean
};

// Fills all of `rows`, which must have room for all texts and for the longest one. Padding holds
// token 0, which the mask hides. Rows after the last text hold this token once unmasked, because an
// attention to nothing and a mean over nothing would be NaN.
void write_text_rows(const Texts& texts, const TextRows& rows);

}  // namespace llm2clip
