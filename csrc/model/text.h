#pragma once

#include <cstdint>
#include <optional>

#include "model/net.h"
#include "model/weights.h"

namespace llm2clip {

// How Llama 3.1 and later stretch the rotary embedding beyond the context they were trained with:
// waves longer than original_positions / low_freq_factor are slowed by `factor`, those shorter than
// original_positions / high_freq_factor are left, and between the two it goes over smoothly.
struct RopeScaling {
  double factor, low_freq_factor, high_freq_factor, original_positions;
};

// A language model as plain numbers, as lib/checkpoint/vision-config.ts describes them.
struct LlamaConfig {
  int64_t vocabulary_size;
  int64_t width;
  int64_t layers;
  int64_t heads;
  int64_t kv_heads;
  int64_t head_dim;
  int64_t hidden;
  double rms_norm_eps;
  double rope_theta;
  std::optional<RopeScaling> rope_scaling;
  int64_t max_tokens;  // of one text
};

// What brings a language model's features into the space of the pictures.
struct AdapterConfig {
  int64_t width;  // of the features
  int64_t hidden;
  int64_t layers;  // residual blocks
  int64_t embedding_dim;
  bool normalizes_input;  // to the length of 1, first
  double layer_norm_eps;
};

// Both read their weights by canonical names and throw ERR_CHECKPOINT_MISMATCH for those that are
// missing, misshapen or left over.

// tokens → features [B, D], the mean over the tokens that count.
Value llama(Net& net, Weights& weights, const LlamaConfig& config);

// features → embedding [B, E].
Value adapter(Net& net, Weights& weights, const AdapterConfig& config);

}  // namespace llm2clip
