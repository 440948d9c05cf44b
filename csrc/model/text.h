#pragma once

#include <cstdint>
#include <optional>

#include "model/net.h"
#include "model/weights.h"

namespace llm2clip {

// How Llama 3.1 and later extend RoPE beyond the pre-training context. Frequencies whose wavelength
// exceeds original_positions / low_freq_factor are divided by `factor`. Those whose wavelength is
// below original_positions / high_freq_factor stay unchanged. The frequencies between are
// interpolated.
struct RopeScaling {
  double factor, low_freq_factor, high_freq_factor, original_positions;
};

// A language model as plain numbers, described in lib/checkpoint/text-config.ts.
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
  int64_t max_tokens;  // per text
};

// The adapter maps a language model's features into the embedding space of the images.
struct AdapterConfig {
  int64_t width;  // of the features
  int64_t hidden;
  int64_t layers;  // residual blocks
  int64_t embedding_dim;
  bool normalizes_input;  // scale the features to length 1 first
  double layer_norm_eps;
};

// Both functions read their weights by canonical name. They throw ERR_CHECKPOINT_MISMATCH when a
// weight is missing, has another shape or is left over.

// tokens → features [B, D], the mean over the pooled tokens
Value llama(Net& net, Weights& weights, const LlamaConfig& config);

// features → embedding [B, E]
Value adapter(Net& net, Weights& weights, const AdapterConfig& config);

}  // namespace llm2clip
