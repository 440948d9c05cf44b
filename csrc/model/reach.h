#pragma once

#include "model/vision.h"

namespace llm2clip {

// The tokens that a block computes after its attention. When the embedding comes from the class
// token, the last block needs only that token, which saves three quarters of the block's work.
enum class Reach { kAllTokens, kClassToken };

inline Reach reach_of(int64_t layer, int64_t layers, TowerOutput output) {
  const bool reads_all = layer + 1 < layers || output == TowerOutput::kTokens;
  return reads_all ? Reach::kAllTokens : Reach::kClassToken;
}

// Returns x [B, N, D] unchanged, or only its class token [B, D].
inline Value within(Reach reach, Net& net, Value x) {
  return reach == Reach::kAllTokens ? x : net.select_token(x, 0);
}

}  // namespace llm2clip
