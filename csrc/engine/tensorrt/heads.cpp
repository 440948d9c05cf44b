#include "engine/tensorrt/heads.h"

#include <cmath>

namespace llm2clip::tensorrt {

using nvinfer1::DataType;

float attention_scale(const Heads& heads) {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(heads.dim)));
}

Tensor head_part(NetworkWriter& out, Tensor x, int64_t i, const Heads& heads) {
  const int64_t width = heads.count * heads.dim;
  Tensor const part = out.slice(x, {0, 0, i * width}, {kAll, kAll, width});
  return out.transpose(out.reshape(part, {0, 0, heads.count, heads.dim}), {0, 2, 1, 3});
}

Tensor attend(NetworkWriter& out, Tensor q, Tensor k, Tensor v, const Heads& heads) {
  auto* const layer = out.require_layer(
      out.network().addAttentionV2(*q, *k, *v, nvinfer1::AttentionNormalizationOp::kSOFTMAX,
                                   nvinfer1::CausalMaskKind::kNONE),
      "an attention");
  layer->setDecomposable(out.type() == DataType::kFLOAT);
  Tensor const x = out.transpose(layer->getOutput(0), {0, 2, 1, 3});
  return out.reshape(x, {0, 0, heads.count * heads.dim});
}

Tensor Turns::turn(NetworkWriter& out, Tensor x, const Rope& rope) {
  if (cos_ == nullptr) {
    cos_ = table(out, rope.cos, rope, x);
    sin_ = table(out, rope.sin, rope, x);
  }
  Tensor const turned =
      out.output(out.network().addRotaryEmbedding(*out.cast(x, DataType::kFLOAT), *cos_, *sin_,
                                                  /*interleaved=*/true, /*rotaryEmbeddingDim=*/0),
                 "a rotation");
  return out.cast(turned, out.type());
}

// One for each picture, as the library wants them.
Tensor Turns::table(NetworkWriter& out, const std::vector<float>& angles, const Rope& rope,
                    Tensor x) {
  const std::vector<float> halved = one_of_each_pair(angles, scale_);
  const int64_t pairs = static_cast<int64_t>(halved.size()) / rope.tokens;
  Tensor const one = out.numbers(halved, {1, 1, rope.tokens, pairs});
  Tensor const each = out.expand(one, x, {kAll, 1, rope.tokens, pairs});
  return out.reshape(each, {0, rope.tokens, pairs});
}

}  // namespace llm2clip::tensorrt
