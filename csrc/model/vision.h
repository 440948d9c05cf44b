#pragma once

#include <cstdint>
#include <string>

#include "model/net.h"
#include "model/weights.h"

namespace llm2clip {

// A vision tower as plain numbers, as lib/checkpoint/vision-config.ts describes them.
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

// What a tower gives: the picture's embedding [B, E], or all tokens in its space [B, N, E].
enum class TowerOutput { kEmbedding, kTokens };

// Reads its weights by canonical names and says the network, and what leaves its layers: 0 the
// embedding of the patches, k the k-th block.
using VisionTower = Value(Net& net, Weights& weights, const VisionConfig& config,
                          TowerOutput output);

// One file each; vision.cpp lists them.
VisionTower eva02, clip_vit, siglip2;

// By config.family; the way to the patches comes first, where the engine offers it. → embedding
// [B, E]. Throws ERR_CHECKPOINT_UNSUPPORTED for another family, ERR_CHECKPOINT_MISMATCH
// for weights that are missing, misshapen or left over.
Value vision_tower(Net& net, Weights& weights, const VisionConfig& config);

}  // namespace llm2clip
