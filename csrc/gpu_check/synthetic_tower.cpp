#include "synthetic_tower.h"

#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "base/error.h"
#include "base/float_convert.h"

namespace llm2clip {
namespace {

struct Scale {
  float mean, deviation;
};

class DrawnTensor final : public TensorSource {
 public:
  DrawnTensor(const std::string& name, Shape shape, Scale scale)
      : seed_(std::hash<std::string>{}(name)), shape_(std::move(shape)), scale_(scale) {}

  const Shape& shape() const override { return shape_; }

  // The numbers are uniform, because three hundred million normal ones would take most of a minute.
  void read(Dtype dtype, std::span<std::byte> out) const override {
    std::mt19937 generator(static_cast<uint32_t>(seed_));
    std::vector<float> values(static_cast<size_t>(element_count(shape_)));
    const float width = 2 * std::sqrt(3.0F) * scale_.deviation / 4294967296.0F;
    for (float& value : values) {
      value = scale_.mean + (static_cast<float>(generator()) - 2147483648.0F) * width;
    }
    from_float(values.data(), dtype, out.data(), values.size());
  }

 private:
  uint64_t seed_;
  Shape shape_;
  Scale scale_;
};

class Drawer {
 public:
  void matrix(const std::string& name, const Shape& shape) {
    const int64_t inputs = element_count(shape) / shape[0];
    draw(name, shape, {0, 1 / std::sqrt(static_cast<float>(inputs))});
  }
  void linear(const std::string& name, int64_t out, int64_t in) {
    matrix(name + ".weight", {out, in});
    draw(name + ".bias", {out}, {0, 0.05F});
  }
  void norm(const std::string& name, int64_t width) {
    draw(name + ".weight", {width}, {1, 0.1F});
    draw(name + ".bias", {width}, {0, 0.05F});
  }
  void draw(const std::string& name, const Shape& shape, Scale scale) {
    weights.add(name, std::make_shared<DrawnTensor>(name, shape, scale));
  }

  Weights weights;
};

// The weights of an EVA02 block.
void draw_block(Drawer& drawer, const std::string& block, const VisionConfig& c) {
  drawer.norm(block + ".norm1", c.width);
  drawer.linear(block + ".attn.q_proj", c.width, c.width);
  drawer.matrix(block + ".attn.k_proj.weight", {c.width, c.width});
  drawer.linear(block + ".attn.v_proj", c.width, c.width);
  drawer.norm(block + ".attn.inner_attn_ln", c.width);
  drawer.linear(block + ".attn.proj", c.width, c.width);
  drawer.norm(block + ".norm2", c.width);
  drawer.linear(block + ".mlp.w1", c.hidden, c.width);
  drawer.linear(block + ".mlp.w2", c.hidden, c.width);
  drawer.norm(block + ".mlp.ffn_ln", c.hidden);
  drawer.linear(block + ".mlp.w3", c.width, c.hidden);
}

// The weights of an MLP of CLIP and SigLIP 2.
void draw_mlp(Drawer& drawer, const std::string& mlp, const VisionConfig& c) {
  drawer.linear(mlp + ".fc1", c.hidden, c.width);
  drawer.linear(mlp + ".fc2", c.width, c.hidden);
}

void draw_vit_block(Drawer& drawer, const std::string& block, const VisionConfig& c) {
  drawer.norm(block + ".norm1", c.width);
  for (const char* name : {".attn.q_proj", ".attn.k_proj", ".attn.v_proj", ".attn.proj"}) {
    drawer.linear(block + name, c.width, c.width);
  }
  drawer.norm(block + ".norm2", c.width);
  draw_mlp(drawer, block + ".mlp", c);
}

// The weights of the patch embedding. SigLIP 2 has no class token, and CLIP has no bias.
void draw_patches(Drawer& drawer, const VisionConfig& c) {
  const bool with_class = c.family != "siglip2";
  drawer.matrix("patch_embed.proj.weight", {c.width, 3, c.patch_size, c.patch_size});
  if (c.family != "clip_vit") drawer.draw("patch_embed.proj.bias", {c.width}, {0, 0.05F});
  if (with_class) drawer.draw("cls_token", {1, 1, c.width}, {0, 0.1F});
  const int64_t tokens = c.grid() * c.grid() + (with_class ? 1 : 0);
  drawer.draw("pos_embed", {1, tokens, c.width}, {0, 0.1F});
}

void draw_attention_pool(Drawer& drawer, const VisionConfig& c) {
  drawer.draw("attn_pool.latent", {1, 1, c.width}, {0, 1});
  drawer.linear("attn_pool.q", c.width, c.width);
  drawer.linear("attn_pool.kv", 2 * c.width, c.width);
  drawer.linear("attn_pool.proj", c.width, c.width);
  drawer.norm("attn_pool.norm", c.width);
  draw_mlp(drawer, "attn_pool.mlp", c);
}

Weights draw(const VisionConfig& c) {
  Drawer drawer;
  const bool eva02 = c.family == "eva02";
  draw_patches(drawer, c);
  if (c.family == "clip_vit") drawer.norm("norm_pre", c.width);
  for (int64_t i = 0; i < c.layers; ++i) {
    (eva02 ? draw_block : draw_vit_block)(drawer, "blocks." + std::to_string(i), c);
  }
  drawer.norm("norm", c.width);
  if (eva02) drawer.linear("head", c.embedding_dim, c.width);
  if (c.family == "clip_vit") drawer.matrix("head.weight", {c.embedding_dim, c.width});
  if (c.family == "siglip2") draw_attention_pool(drawer, c);
  return std::move(drawer.weights);
}

Weights draw(const LlamaConfig& c) {
  Drawer drawer;
  const auto norm = [&](const std::string& name) { drawer.draw(name, {c.width}, {1, 0.1F}); };
  const int64_t q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim;
  drawer.draw("embed_tokens.weight", {c.vocabulary_size, c.width}, {0, 1});
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string layer = "layers." + std::to_string(i);
    norm(layer + ".input_layernorm.weight");
    drawer.matrix(layer + ".self_attn.q_proj.weight", {q, c.width});
    drawer.matrix(layer + ".self_attn.k_proj.weight", {kv, c.width});
    drawer.matrix(layer + ".self_attn.v_proj.weight", {kv, c.width});
    drawer.matrix(layer + ".self_attn.o_proj.weight", {c.width, q});
    norm(layer + ".post_attention_layernorm.weight");
    drawer.matrix(layer + ".mlp.gate_proj.weight", {c.hidden, c.width});
    drawer.matrix(layer + ".mlp.up_proj.weight", {c.hidden, c.width});
    drawer.matrix(layer + ".mlp.down_proj.weight", {c.width, c.hidden});
  }
  norm("norm.weight");
  return std::move(drawer.weights);
}

Weights draw(const AdapterConfig& c) {
  Drawer drawer;
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    drawer.norm(block + ".norm", c.width);
    drawer.linear(block + ".fc1", c.hidden, c.width);
    drawer.linear(block + ".fc2", c.width, c.hidden);
  }
  drawer.norm("norm", c.width);
  drawer.linear("head", c.embedding_dim, c.width);
  return std::move(drawer.weights);
}

}  // namespace

VisionConfig tower_named(const std::string& name) {
  if (name == "eva02-large") return {"eva02", 336, 14, 1024, 24, 16, 2730, 1280, "", 1e-6, 16};
  if (name == "eva02-small") return {"eva02", 56, 14, 128, 3, 2, 341, 64, "", 1e-6, 16};
  if (name == "clip-small") {
    return {"clip_vit", 56, 14, 128, 3, 2, 512, 64, "quick_gelu", 1e-5, 0};
  }
  if (name == "siglip2-small") {
    return {"siglip2", 64, 16, 128, 3, 2, 448, 128, "gelu_tanh", 1e-6, 0};
  }
  throw Error(ErrorCode::kInvalidArg,
              "expected eva02-large, eva02-small, clip-small or siglip2-small, found " + name);
}

void write_synthetic_engine(Engine& engine, const VisionConfig& config, const EngineKind& kind,
                            const std::string& path) {
  Weights weights = draw(config);
  const auto builder = engine.builder({.precision = kind.precision,
                                       .input = images_of(config.image_size),
                                       .portable = kind.portable,
                                       .max_batch = kind.max_batch});
  builder->save(vision_tower(*builder, weights, config), path);
}

LlamaConfig llama_small() {
  return {1000, 512, 3, 8, 2, 64, 1408, 1e-5, 5e5, {{8, 1, 4, 64}}, 128};
}

LlamaConfig llama_large() {
  return {128256, 2048, 16, 32, 8, 64, 8192, 1e-5, 5e5, {{32, 1, 4, 8192}}, 512};
}

void write_synthetic_engine(Engine& engine, const LlamaConfig& config, Precision precision,
                            int64_t max_batch, const std::string& path) {
  Weights weights = draw(config);
  const auto builder = engine.builder(
      {.precision = precision, .input = texts_of(config.max_tokens), .max_batch = max_batch});
  builder->save(llama(*builder, weights, config), path);
}

AdapterConfig adapter_small() { return {512, 1024, 2, 64, true, 1e-5}; }

AdapterConfig adapter_large() { return {2048, 8192, 4, 1280, false, 1e-5}; }

void write_synthetic_engine(Engine& engine, const AdapterConfig& config, Precision precision,
                            int64_t max_batch, const std::string& path) {
  Weights weights = draw(config);
  const auto builder = engine.builder(
      {.precision = precision, .input = features_of(config.width), .max_batch = max_batch});
  builder->save(adapter(*builder, weights, config), path);
}

}  // namespace llm2clip
