#include "model/vision.h"

#include <array>
#include <string_view>

#include "base/error.h"

namespace llm2clip {
namespace {

struct Family {
  std::string_view name;
  VisionTower* tower;
};
constexpr std::array kFamilies{
    Family{"eva02", eva02},
    Family{"clip_vit", clip_vit},
    Family{"siglip2", siglip2},
};

Value by_family(Net& net, Weights& weights, const VisionConfig& config, TowerOutput output) {
  std::string known;
  for (const auto& [name, tower] : kFamilies) {
    if (config.family == name) return tower(net, weights, config, output);
    known.append(known.empty() ? "" : ", ").append(name);
  }
  throw Error(ErrorCode::kCheckpointUnsupported,
              "expected a family of " + known + ", found " + config.family);
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
