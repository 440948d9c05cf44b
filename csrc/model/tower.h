#pragma once

#include <variant>

#include "model/text.h"
#include "model/vision.h"

namespace llm2clip {

// The configuration of any network that an engine can be built from.
using TowerConfig = std::variant<VisionConfig, LlamaConfig, AdapterConfig>;

inline Value tower(Net& net, Weights& weights, const VisionConfig& config) {
  return vision_tower(net, weights, config);
}
inline Value tower(Net& net, Weights& weights, const LlamaConfig& config) {
  return llama(net, weights, config);
}
inline Value tower(Net& net, Weights& weights, const AdapterConfig& config) {
  return adapter(net, weights, config);
}

// Returns the network's output, [B, E].
inline Value tower(Net& net, Weights& weights, const TowerConfig& config) {
  return std::visit([&](const auto& one) { return tower(net, weights, one); }, config);
}

}  // namespace llm2clip
