#include "model/vision.h"

#include "base/error.h"

namespace llm2clip {
namespace {

Value by_family(Net& net, Weights& weights, const VisionConfig& config, TowerOutput output) {
  if (config.family == "eva02") return eva02(net, weights, config, output);
  if (config.family == "clip_vit") return clip_vit(net, weights, config, output);
  if (config.family == "siglip2") return siglip2(net, weights, config, output);
  throw Error(ErrorCode::kCheckpointUnsupported,
              "expected a family of eva02, clip_vit or siglip2, found " + config.family);
}

}  // namespace

Value vision_tower(Net& net, Weights& weights, const VisionConfig& config) {
  if (net.begin_patches()) {
    net.end_patches(by_family(net, weights, config, TowerOutput::kTokens));
  }
  const Value embedding = by_family(net, weights, config, TowerOutput::kEmbedding);
  weights.require_all_used();
  return embedding;
}

}  // namespace llm2clip
