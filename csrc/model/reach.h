#pragma once

#include "model/vision.h"

namespace llm2clip {

// What a block computes after its attention. A tower whose embedding is the class token's reads
// nothing else of the last block: three quarters of that block's work are left out.
enum class Reach { kAllTokens, kClassToken };

inline Reach reach_of(int64_t layer, int64_t layers, TowerOutput output) {
  const bool reads_all = layer + 1 < layers || output == TowerOutput::kTokens;
  return reads_all ? Reach::kAllTokens : Reach::kClassToken;
}

// [B, N, D] → itself, or the class token's [B, D].
inline Value within(Reach reach, Net& net, Value x) {
  return reach == Reach::kAllTokens ? x : net.select_token(x, 0);
}

}  // namespace llm2clip
