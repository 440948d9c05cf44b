#pragma once

#include <cstdint>
#include <span>

#include "batch/batch_view.h"

namespace llm2clip {

// How much there is of texts that follow each other, none of whose tokens is padding.
struct PackedTexts {
  int64_t texts, tokens, longest;

  // Of all that pack_texts() writes, in this order: ids [tokens], places [tokens], where each text
  // begins and the last one ends [texts + 1], over how many tokens each mean is [texts].
  int64_t numbers() const { return 2 * tokens + 2 * texts + 1; }
};

PackedTexts packed_size(const Texts& texts);

// `to` has room for packed_size().numbers(). A token's place is 0 where its text begins.
void pack_texts(const Texts& texts, std::span<int32_t> to);

// Throws ERR_ENGINE_INCOMPATIBLE for an id that a table of so many rows has no row for: a GPU that
// looks for it is lost to the process.
void check_ids(const Texts& texts, int64_t vocabulary);

}  // namespace llm2clip
