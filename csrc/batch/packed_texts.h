#pragma once

#include <cstdint>
#include <span>

#include "batch/batch_view.h"

namespace llm2clip {

// The size of packed texts: they follow each other, without padding.
struct PackedTexts {
  int64_t texts, tokens, longest;

  // The size of pack_texts()'s output, which has in this order: ids [tokens], position ids
  // [tokens], begin of each text and end of the last [texts + 1], number of tokens in each mean
  // [texts].
  int64_t numbers() const { return 2 * tokens + 2 * texts + 1; }
};

PackedTexts packed_size(const Texts& texts);

// `to` has packed_size().numbers() elements. The position ids of a text begin at 0.
void pack_texts(const Texts& texts, std::span<int32_t> to);

// Throws ERR_ENGINE_INCOMPATIBLE for an id beyond a table of this many rows. On a GPU such a lookup
// would make the device unusable for the process.
void check_ids(const Texts& texts, int64_t vocabulary);

}  // namespace llm2clip
