#pragma once

#include <string>

#include "model/reach.h"
#include "model/vision.h"

namespace llm2clip {

// The pre-norm block of the original ViT: x + attention(norm1 x), then + mlp(norm2 x).
Value vit_block(Net& net, Weights& weights, const std::string& name, const VisionConfig& config,
                Reach reach, Value x);

// fc2(activation(fc1 x))
Value vit_mlp(Net& net, Weights& weights, const std::string& name, const VisionConfig& config,
              Value x);

}  // namespace llm2clip
