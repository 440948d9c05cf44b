#include "model/vision.h"

#include "base/error.h"

namespace llm2clip {
namespace {

Value by_family(Net& net, Weights& weights, const VisionConfig& config) {
  if (config.family == "eva02") return eva02(net, weights, config);
  if (config.family == "clip_vit") return clip_vit(net, weights, config);
  if (config.family == "siglip2") return siglip2(net, weights, config);
  throw Error(ErrorCode::kCheckpointUnsupported,
              "expected a family of eva02, clip_vit or siglip2, found " + config.family);
}

}  // namespace

Value vision_tower(Net& net, Weights& weights, const VisionConfig& config) {
  const Value embedding = by_family(net, weights, config);
  weights.require_all_used();
  return embedding;
}

}  // namespace llm2clip
