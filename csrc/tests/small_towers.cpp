#include "tests/small_towers.h"

namespace llm2clip::testing {
namespace {

constexpr int64_t kSize = 11, kPatch = 5, kWidth = 24, kHeads = 3, kHidden = 37, kEmbedding = 13;
constexpr int64_t kLayers = 2, kPatches = 4;

VisionConfig vision(const std::string& family, const std::string& activation) {
  return {.family = family,
          .image_size = kSize,
          .patch_size = kPatch,
          .width = kWidth,
          .layers = kLayers,
          .heads = kHeads,
          .hidden = kHidden,
          .embedding_dim = family == "siglip2" ? kWidth : kEmbedding,
          .activation = activation,
          .layer_norm_eps = 1e-6,
          .rope_grid = 2};
}

void add_norm(Shapes& shapes, const std::string& name, int64_t width) {
  shapes[name + ".weight"] = shapes[name + ".bias"] = {width};
}

void add_linear(Shapes& shapes, const std::string& name, int64_t in, int64_t out,
                bool biased = true) {
  shapes[name + ".weight"] = {out, in};
  if (biased) shapes[name + ".bias"] = {out};
}

Shapes stem(bool biased, int64_t tokens) {
  Shapes shapes{{"patch_embed.proj.weight", {kWidth, 3, kPatch, kPatch}},
                {"pos_embed", {1, tokens, kWidth}}};
  if (biased) shapes["patch_embed.proj.bias"] = {kWidth};
  if (tokens > kPatches) shapes["cls_token"] = {1, 1, kWidth};
  return shapes;
}

void add_vit_blocks(Shapes& shapes) {
  for (int64_t i = 0; i < kLayers; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    add_norm(shapes, block + ".norm1", kWidth);
    add_norm(shapes, block + ".norm2", kWidth);
    for (const char* one : {"q_proj", "k_proj", "v_proj", "proj"}) {
      add_linear(shapes, block + ".attn." + one, kWidth, kWidth);
    }
    add_linear(shapes, block + ".mlp.fc1", kWidth, kHidden);
    add_linear(shapes, block + ".mlp.fc2", kHidden, kWidth);
  }
}

SmallTower eva02_tower() {
  Shapes shapes = stem(true, kPatches + 1);
  for (int64_t i = 0; i < kLayers; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    for (const char* one : {".norm1", ".norm2", ".attn.inner_attn_ln"}) {
      add_norm(shapes, block + one, kWidth);
    }
    add_norm(shapes, block + ".mlp.ffn_ln", kHidden);
    for (const char* one : {"q_proj", "k_proj", "v_proj", "proj"}) {
      const bool biased = one[0] != 'k';
      add_linear(shapes, block + ".attn." + one, kWidth, kWidth, biased);
    }
    add_linear(shapes, block + ".mlp.w1", kWidth, kHidden);
    add_linear(shapes, block + ".mlp.w2", kWidth, kHidden);
    add_linear(shapes, block + ".mlp.w3", kHidden, kWidth);
  }
  add_norm(shapes, "norm", kWidth);
  add_linear(shapes, "head", kWidth, kEmbedding);
  return {"eva02", vision("eva02", ""), images_of(kSize), shapes};
}

SmallTower clip_tower() {
  Shapes shapes = stem(false, kPatches + 1);
  add_vit_blocks(shapes);
  add_norm(shapes, "norm_pre", kWidth);
  add_norm(shapes, "norm", kWidth);
  add_linear(shapes, "head", kWidth, kEmbedding, false);
  return {"clip_vit", vision("clip_vit", "quick_gelu"), images_of(kSize), shapes};
}

SmallTower siglip2_tower() {
  Shapes shapes = stem(true, kPatches);
  add_vit_blocks(shapes);
  add_norm(shapes, "norm", kWidth);
  shapes["attn_pool.latent"] = {1, 1, kWidth};
  add_linear(shapes, "attn_pool.q", kWidth, kWidth);
  add_linear(shapes, "attn_pool.kv", kWidth, 2 * kWidth);
  add_linear(shapes, "attn_pool.proj", kWidth, kWidth);
  add_norm(shapes, "attn_pool.norm", kWidth);
  add_linear(shapes, "attn_pool.mlp.fc1", kWidth, kHidden);
  add_linear(shapes, "attn_pool.mlp.fc2", kHidden, kWidth);
  return {"siglip2", vision("siglip2", "gelu_tanh"), images_of(kSize), shapes};
}

SmallTower llama_tower() {
  constexpr int64_t kDim = 6, kQueries = 4, kKeys = 2, kVocabulary = 29, kTokens = 17;
  Shapes shapes{{"embed_tokens.weight", {kVocabulary, kWidth}}, {"norm.weight", {kWidth}}};
  for (int64_t i = 0; i < kLayers; ++i) {
    const std::string layer = "layers." + std::to_string(i);
    shapes[layer + ".input_layernorm.weight"] = {kWidth};
    shapes[layer + ".post_attention_layernorm.weight"] = {kWidth};
    add_linear(shapes, layer + ".self_attn.q_proj", kWidth, kQueries * kDim, false);
    add_linear(shapes, layer + ".self_attn.k_proj", kWidth, kKeys * kDim, false);
    add_linear(shapes, layer + ".self_attn.v_proj", kWidth, kKeys * kDim, false);
    add_linear(shapes, layer + ".self_attn.o_proj", kQueries * kDim, kWidth, false);
    add_linear(shapes, layer + ".mlp.gate_proj", kWidth, kHidden, false);
    add_linear(shapes, layer + ".mlp.up_proj", kWidth, kHidden, false);
    add_linear(shapes, layer + ".mlp.down_proj", kHidden, kWidth, false);
  }
  const LlamaConfig config{.vocabulary_size = kVocabulary,
                           .width = kWidth,
                           .layers = kLayers,
                           .heads = kQueries,
                           .kv_heads = kKeys,
                           .head_dim = kDim,
                           .hidden = kHidden,
                           .rms_norm_eps = 1e-5,
                           .rope_theta = 500'000,
                           .rope_scaling = std::nullopt,
                           .max_tokens = kTokens};
  return {"llama", config, texts_of(kTokens), shapes};
}

SmallTower adapter_tower() {
  Shapes shapes;
  for (int64_t i = 0; i < kLayers; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    add_norm(shapes, block + ".norm", kWidth);
    add_linear(shapes, block + ".fc1", kWidth, kHidden);
    add_linear(shapes, block + ".fc2", kHidden, kWidth);
  }
  add_norm(shapes, "norm", kWidth);
  add_linear(shapes, "head", kWidth, kEmbedding);
  const AdapterConfig config{.width = kWidth,
                             .hidden = kHidden,
                             .layers = kLayers,
                             .embedding_dim = kEmbedding,
                             .normalizes_input = true,
                             .layer_norm_eps = 1e-5};
  return {"adapter", config, features_of(kWidth), shapes};
}

}  // namespace

std::vector<SmallTower> small_towers() {
  return {eva02_tower(), clip_tower(), siglip2_tower(), llama_tower(), adapter_tower()};
}

}  // namespace llm2clip::testing
