#include "batch/token_split.h"

#include <algorithm>

namespace llm2clip {

int64_t evenly_at_once(const BatchView& batch, int64_t tokens, int64_t most) {
  const auto* const texts = std::get_if<Texts>(&batch);
  const auto tokens_of = [&](int64_t i) { return texts == nullptr ? tokens : texts->tokens_of(i); };
  const int64_t count = count_of(batch);
  int64_t left = 0;
  for (int64_t i = 0; i < count; ++i) left += tokens_of(i);
  const int64_t runs = (left - 1) / most + 1, enough = (left - 1) / runs + 1;
  int64_t fitting = 0;
  for (int64_t taken = 0; fitting < count && taken < enough; ++fitting) {
    taken += tokens_of(fitting);
    if (taken > most) break;
  }
  return std::max<int64_t>(1, fitting);
}

}  // namespace llm2clip
