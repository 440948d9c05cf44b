#pragma once

#include <cstdint>
#include <string>

#include "model/net.h"
#include "model/weights.h"

namespace llm2clip {

// A vision tower as plain numbers, described in lib/checkpoint/vision-config.ts.
struct VisionConfig {
  std::string family;
  int64_t image_size;
  int64_t patch_size;
  int64_t width;
  int64_t layers;
  int64_t heads;
  int64_t hidden;
  int64_t embedding_dim;
  std::string activation;
  double layer_norm_eps;
  int64_t rope_grid;

  int64_t grid() const { return image_size / patch_size; }
  int64_t head_dim() const { return width / heads; }
};

// What a tower returns: the image's embedding [B, E], or all tokens in the embedding space,
// [B, N, E].
enum class TowerOutput { kEmbedding, kTokens };

// Reads the weights of a tower by canonical name and writes the network to `net`. It also reports
// hidden states: state 0 is the patch embedding, state k is the output of the k-th block.
using VisionTower = Value(Net& net, Weights& weights, const VisionConfig& config,
                          TowerOutput output);

// Each tower has its own file; vision.cpp lists them.
VisionTower eva02, clip_vit, siglip2;

// Builds the tower that config.family names and returns the embedding [B, E]. If the engine
// supports patch embeddings, their network is built first. Throws ERR_CHECKPOINT_UNSUPPORTED for an
// unknown family, and ERR_CHECKPOINT_MISMATCH when a weight is missing, has another shape or is
// left over.
Value vision_tower(Net& net, Weights& weights, const VisionConfig& config);

}  // namespace llm2clip
