#pragma once

#include <cstdint>
#include <span>

namespace llm2clip {

// A text as one input of a batch, all of whose numbers are floats: how many tokens it has, over how
// many at its end the mean is taken, then their ids. Ids are below 2²⁴, which floats hold exactly.
// What lies behind them in the slot is not read.
constexpr int64_t kTextHeader = 2;

struct TextSlot {
  const float* ids;  // [tokens]
  int64_t tokens, pooled;
};

// Throws ERR_INVALID_ARG for a text without tokens, one of more than the slot has room for, ids
// that are none, and a mean over none of them or more than there are.
void write_text(std::span<const int32_t> ids, int64_t pooled, std::span<float> slot);

inline TextSlot read_text(const float* slot) {
  return {slot + kTextHeader, static_cast<int64_t>(slot[0]), static_cast<int64_t>(slot[1])};
}

}  // namespace llm2clip
