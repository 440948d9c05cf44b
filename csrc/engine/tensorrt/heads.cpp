#include "engine/tensorrt/heads.h"

#include <cmath>

namespace llm2clip::tensorrt {

using nvinfer1::DataType;

float attention_scale(int64_t dim) {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim)));
}

Tensor some_heads(NetworkWriter& out, Tensor x, int64_t first, int64_t count, int64_t dim) {
  Tensor const part = out.slice(x, {0, 0, first * dim}, {kAll, kAll, count * dim});
  return out.transpose(out.reshape(part, {0, 0, count, dim}), {0, 2, 1, 3});
}

Tensor attend(NetworkWriter& out, Tensor q, Tensor k, Tensor v, Tensor mask) {
  auto* const layer = out.require_layer(
      out.network().addAttentionV2(*q, *k, *v, nvinfer1::AttentionNormalizationOp::kSOFTMAX,
                                   nvinfer1::CausalMaskKind::kNONE),
      "an attention");
  layer->setDecomposable(out.type() == DataType::kFLOAT);
  if (mask != nullptr) layer->setMask(*mask);
  Tensor const x = out.transpose(layer->getOutput(0), {0, 2, 1, 3});
  const Shape heads = shape_of(q);
  return out.reshape(x, {0, 0, heads[1] * heads[3]});
}

Tensor Turns::turn(NetworkWriter& out, Tensor x, const Rope& rope, Tensor places) {
  const bool by_place = places != nullptr;
  const auto [cos, sin] = tables_.of(rope, [&]() -> Tables {
    return {table(out, rope.cos, rope, x, by_place), table(out, rope.sin, rope, x, by_place)};
  });
  auto* const layer = out.require_layer(
      out.network().addRotaryEmbedding(*out.cast(x, DataType::kFLOAT), *cos, *sin,
                                       /*interleaved=*/true, /*rotaryEmbeddingDim=*/0),
      "a rotation");
  if (by_place) layer->setInput(3, *places);
  return out.cast(layer->getOutput(0), out.type());
}

Tensor Turns::table(NetworkWriter& out, const std::vector<float>& angles, const Rope& rope,
                    Tensor x, bool by_place) const {
  const int64_t pairs = rope.head_dim() / 2;
  const float scale = of_ == Of::kQueries ? attention_scale(rope.head_dim()) : 1;
  const std::vector<float> halved = one_of_each_pair(angles, scale);
  if (by_place) return out.numbers(halved, {rope.tokens, pairs});
  // The library needs one table per image.
  Tensor const one = out.numbers(halved, {1, 1, rope.tokens, pairs});
  Tensor const each = out.expand(one, x, {kAll, 1, rope.tokens, pairs});
  return out.reshape(each, {0, rope.tokens, pairs});
}

}  // namespace llm2clip::tensorrt
