// Tests the networks of the models layer by layer, as the vendor's library describes them. Nothing
// is built and no GPU is needed.
//   tensorrt_network_test LIBRARY
#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "described_network.h"
#include "network_test.h"
#include "tests/expect.h"

namespace llm2clip::testing {
namespace {

using namespace tensorrt;
using nvinfer1::DataType;
using nvinfer1::LayerType;

constexpr int64_t kLayers = 2, kEmbedding = 32;

VisionConfig eva02_config() {
  return {.family = "eva02",
          .image_size = 56,
          .patch_size = 14,
          .width = 128,
          .layers = kLayers,
          .heads = 2,
          .hidden = 341,
          .embedding_dim = kEmbedding,
          .activation = "swiglu",
          .layer_norm_eps = 1e-6,
          .rope_grid = 16};
}

Shapes eva02_shapes() {
  const int64_t width = 128, hidden = 341;
  Shapes shapes{{"cls_token", {1, 1, width}}, {"pos_embed", {1, 17, width}}};
  shapes["patch_embed.proj.weight"] = {width, 3, 14, 14};
  shapes["patch_embed.proj.bias"] = {width};
  for (int64_t i = 0; i < kLayers; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    for (const char* norm : {".norm1", ".norm2", ".attn.inner_attn_ln"}) {
      add_affine(shapes, block + norm, width, 0);
    }
    for (const char* part : {".attn.q_proj", ".attn.v_proj", ".attn.proj"}) {
      add_affine(shapes, block + part, width, width);
    }
    shapes[block + ".attn.k_proj.weight"] = {width, width};
    add_affine(shapes, block + ".mlp.w1", hidden, width);
    add_affine(shapes, block + ".mlp.w2", hidden, width);
    add_affine(shapes, block + ".mlp.ffn_ln", hidden, 0);
    add_affine(shapes, block + ".mlp.w3", width, hidden);
  }
  add_affine(shapes, "norm", width, 0);
  add_affine(shapes, "head", kEmbedding, width);
  return shapes;
}

const Shape kImage{3, 56, 56};

Described eva02_described(Precision precision = Precision::kFp16) {
  return {eva02_config(), kImage, precision, eva02_shapes()};
}

void add_vit_block(Shapes& shapes, const std::string& block, int64_t width, int64_t hidden) {
  for (const char* norm : {".norm1", ".norm2"}) add_affine(shapes, block + norm, width, 0);
  for (const char* part : {".attn.q_proj", ".attn.k_proj", ".attn.v_proj", ".attn.proj"}) {
    add_affine(shapes, block + part, width, width);
  }
  add_affine(shapes, block + ".mlp.fc1", hidden, width);
  add_affine(shapes, block + ".mlp.fc2", width, hidden);
}

Described clip_described() {
  const int64_t width = 128;
  Shapes shapes{{"cls_token", {1, 1, width}}, {"pos_embed", {1, 17, width}}};
  shapes["patch_embed.proj.weight"] = {width, 3, 14, 14};
  add_affine(shapes, "norm_pre", width, 0);
  add_affine(shapes, "norm", width, 0);
  for (int64_t i = 0; i < kLayers; ++i) {
    add_vit_block(shapes, "blocks." + std::to_string(i), width, 512);
  }
  shapes["head.weight"] = {kEmbedding, width};
  VisionConfig config = eva02_config();
  config.family = "clip_vit";
  config.hidden = 512;
  config.activation = "quick_gelu";
  config.layer_norm_eps = 1e-5;
  return {config, kImage, Precision::kFp16, shapes};
}

Described siglip2_described() {
  const int64_t width = 144;
  Shapes shapes{{"pos_embed", {1, 16, width}}};
  shapes["patch_embed.proj.weight"] = {width, 3, 14, 14};
  shapes["patch_embed.proj.bias"] = {width};
  shapes["attn_pool.latent"] = {1, 1, width};
  for (int64_t i = 0; i < kLayers; ++i) {
    add_vit_block(shapes, "blocks." + std::to_string(i), width, 512);
  }
  add_affine(shapes, "norm", width, 0);
  add_affine(shapes, "attn_pool.q", width, width);
  add_affine(shapes, "attn_pool.kv", 2 * width, width);
  add_affine(shapes, "attn_pool.proj", width, width);
  add_affine(shapes, "attn_pool.norm", width, 0);
  add_affine(shapes, "attn_pool.mlp.fc1", 512, width);
  add_affine(shapes, "attn_pool.mlp.fc2", width, 512);
  VisionConfig config = eva02_config();
  config.family = "siglip2";
  config.width = width;
  config.hidden = 512;
  config.embedding_dim = width;
  config.activation = "gelu_tanh";
  return {config, kImage, Precision::kFp16, shapes};
}

void expect_interface(Described net, int64_t dim, size_t attentions) {
  auto& network = net.network();
  EXPECT(network.getNbInputs() == 1 && network.getNbOutputs() == 1);
  EXPECT(network.getInput(0)->getName() == std::string("pixel_values"));
  EXPECT(network.getInput(0)->getType() == DataType::kFLOAT);
  EXPECT(shape_of(network.getInput(0)) == (Shape{-1, 3, 56, 56}));
  EXPECT(network.getOutput(0)->getName() == std::string("embedding"));
  EXPECT(network.getOutput(0)->getType() == DataType::kFLOAT);
  EXPECT(shape_of(network.getOutput(0)) == (Shape{-1, dim}));
  EXPECT(net.layers(LayerType::kATTENTION_INPUT).size() == attentions);
  EXPECT(net.layers(LayerType::kSOFTMAX).empty());
  EXPECT(net.counts_every_parameter());
}

void test_interfaces() {
  expect_interface(eva02_described(), kEmbedding, kLayers);
  expect_interface(clip_described(), kEmbedding, kLayers);
  expect_interface(siglip2_described(), 144, kLayers + 1);
}

// Everything has the network's type, except norms and RoPE, which are in f32.
void test_types() {
  for (const auto& [precision, type] :
       {std::pair{Precision::kFp16, DataType::kHALF}, std::pair{Precision::kBf16, DataType::kBF16},
        std::pair{Precision::kFp32, DataType::kFLOAT}}) {
    Described net = eva02_described(precision);
    for (auto* layer : net.layers(LayerType::kMATRIX_MULTIPLY)) {
      EXPECT(layer->getInput(0)->getType() == type && layer->getOutput(0)->getType() == type);
    }
    for (auto* layer : net.layers(LayerType::kCONVOLUTION)) {
      EXPECT(layer->getInput(0)->getType() == type);
    }
    for (const LayerType in_f32 : {LayerType::kNORMALIZATION, LayerType::kROTARY_EMBEDDING}) {
      EXPECT(!net.layers(in_f32).empty());
      for (auto* layer : net.layers(in_f32)) {
        EXPECT(layer->getInput(0)->getType() == DataType::kFLOAT);
      }
    }
  }
  try {
    eva02_described(Precision::kInt8);
    EXPECT(!"int8 is refused");
  } catch (const Error& error) {
    EXPECT(error.code() == ErrorCode::kEngineIncompatible);
  }
}

// Of the 384 rows of gate and up and the 384 columns of w3, 341 come from the checkpoint.
void test_padding() {
  Described net = eva02_described();
  const auto [gate_up, rows] = net.product("blocks.0.mlp.w1.weight");
  EXPECT(rows == (Shape{1, 2 * 384, 128}));
  bool right = gate_up.size() == 2 * 384 * 128;
  for (size_t i = 0; right && i < gate_up.size(); ++i) {
    const size_t row = i / 128 % 384;
    right = gate_up[i] == (row < 341 ? number(row * 128 + i % 128) : 0);
  }
  EXPECT(right);
  const auto [w3, columns] = net.product("blocks.0.mlp.w3.weight");
  EXPECT(columns == (Shape{1, 128, 384}));
  right = w3.size() == 128 * 384;
  for (size_t i = 0; right && i < w3.size(); ++i) {
    const size_t row = i / 384, column = i % 384;
    right = w3[i] == (column < 341 ? number(row * 341 + column) : 0);
  }
  EXPECT(right);
}

// q, k and v are stacked. After the last block's attention only the class token is computed.
void test_packing() {
  Described net = eva02_described();
  const auto [qkv, shape] = net.product("blocks.0.attn.q_proj.weight");
  EXPECT(shape == (Shape{1, 3 * 128, 128}));
  bool right = qkv.size() == 3 * 128 * 128;
  for (size_t i = 0; right && i < qkv.size(); ++i) right = qkv[i] == number(i % (128 * 128));
  EXPECT(right);
  EXPECT(net.product("blocks.0.attn.proj.weight").second == (Shape{1, 128, 128}));
  EXPECT(net.product("blocks.1.attn.proj.weight").second == (Shape{128, 128}));
  EXPECT(net.product("head.weight").second == (Shape{kEmbedding, 128}));
}

// Patch (1, 2) of the 4 × 4 grid is token 7. Its row rotates the first half of a head, and its
// column the second half. Keys are rotated by unit vectors, queries by unit vectors times 1/√64.
void test_rotations() {
  Described net = eva02_described();
  const auto rotations = net.layers(LayerType::kROTARY_EMBEDDING);
  EXPECT(rotations.size() == 2 * kLayers);
  for (auto* layer : rotations) {
    EXPECT(static_cast<nvinfer1::IRotaryEmbeddingLayer*>(layer)->getInterleaved());
    EXPECT(shape_of(layer->getOutput(0)) == (Shape{-1, 2, 17, 64}));
    EXPECT(shape_of(layer->getInput(1)) == (Shape{-1, 17, 32}));
  }
  std::vector<std::vector<float>> tables;
  for (auto* layer : net.layers(LayerType::kCONSTANT)) {
    if (shape_of(layer->getOutput(0)) == (Shape{1, 1, 17, 32})) {
      tables.push_back(net.numbers(layer->getOutput(0)));
    }
  }
  EXPECT(tables.size() == 4);  // one pair for queries and one for keys, shared by all blocks
  const std::vector<float>&cos = tables.at(2), &sin = tables.at(3);
  for (size_t pair = 0; pair < 32; ++pair) {
    const double position = (pair < 16 ? 1 : 2) * 16.0 / 4;
    const double angle = position / std::pow(10000.0, static_cast<double>(pair % 16) / 16);
    EXPECT(std::abs(cos[7 * 32 + pair] - std::cos(angle)) < 1e-6);
    EXPECT(std::abs(sin[7 * 32 + pair] - std::sin(angle)) < 1e-6);
    EXPECT(cos[pair] == 1 && sin[pair] == 0);  // the class token is not rotated
  }
  for (size_t i = 0; i < cos.size(); ++i) {
    EXPECT(tables.at(0)[i] == cos[i] / 8 && tables.at(1)[i] == sin[i] / 8);
  }
}

// Checks eps for each model, and that the norm over padded rows uses 341 elements, not 384.
void test_norms() {
  const auto eps_of = [](Described net) {
    std::vector<float> eps;
    for (auto* layer : net.layers(LayerType::kNORMALIZATION)) {
      eps.push_back(static_cast<nvinfer1::INormalizationLayer*>(layer)->getEpsilon());
    }
    return eps;
  };
  const std::vector<float> eva02 = eps_of(eva02_described()), clip = eps_of(clip_described());
  EXPECT(eva02.size() == 3 * kLayers + 1 && clip.size() == 2 * kLayers + 2);
  EXPECT(std::count(eva02.begin(), eva02.end(), 1e-6F) == 3 * kLayers + 1);
  EXPECT(std::count(clip.begin(), clip.end(), 1e-5F) == 2 * kLayers + 2);
  Described net = eva02_described();
  EXPECT(net.layers(LayerType::kREDUCE).size() == 2 * kLayers);
  int64_t by_width = 0, insides = 0;
  for (auto* layer : net.layers(LayerType::kCONSTANT)) {
    const std::vector<float> numbers = net.numbers(layer->getOutput(0));
    by_width += numbers.size() == 1 && numbers[0] == 1.0F / 341;
    insides += numbers == ones_then_zeros(341, 384);
  }
  EXPECT(by_width == 2 * kLayers && insides == kLayers);
}

void test_activations() {
  const auto count = [](Described net, nvinfer1::ActivationType type) {
    const auto layers = net.layers(LayerType::kACTIVATION);
    return std::count_if(layers.begin(), layers.end(), [&](nvinfer1::ILayer* layer) {
      return static_cast<nvinfer1::IActivationLayer*>(layer)->getActivationType() == type;
    });
  };
  EXPECT(count(clip_described(), nvinfer1::ActivationType::kSIGMOID) == kLayers);
  EXPECT(count(eva02_described(), nvinfer1::ActivationType::kSIGMOID) == kLayers);
  EXPECT(count(siglip2_described(), nvinfer1::ActivationType::kGELU_TANH) == kLayers + 1);
}

// The pool's query is projected when the network is made, so it is a constant and its product is
// gone.
void test_pool() {
  Described net = siglip2_described();
  EXPECT(net.product("attn_pool.q.weight").first.empty());
  EXPECT(net.product("attn_pool.kv.weight").second == (Shape{1, 288, 144}));
  const auto constants = net.layers(LayerType::kCONSTANT);
  const auto query = std::find_if(constants.begin(), constants.end(), [](nvinfer1::ILayer* layer) {
    return shape_of(layer->getOutput(0)) == (Shape{1, 2, 1, 72});
  });
  EXPECT(query != constants.end());
  double first = number(0);  // starts with the bias
  for (size_t i = 0; i < 144; ++i) first += static_cast<double>(number(i)) * number(i);
  const float found = net.numbers((*query)->getOutput(0)).at(0);
  EXPECT(std::abs(found - first / std::sqrt(72.0)) < 1e-3 * std::abs(first));
}

}  // namespace
}  // namespace llm2clip::testing

int main(int argc, char** argv) {
  using namespace llm2clip::testing;
  if (argc != 2 || dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    std::printf("FAILED expected the path of TensorRT for RTX's library\n");
    return 1;
  }
  return run_tests({{"interfaces", test_interfaces},
                    {"types", test_types},
                    {"padding", test_padding},
                    {"packing", test_packing},
                    {"rotations", test_rotations},
                    {"norms", test_norms},
                    {"activations", test_activations},
                    {"pool", test_pool},
                    {"text interfaces", test_text_interfaces},
                    {"text types", test_text_types},
                    {"text attention", test_text_attention},
                    {"llama", test_llama},
                    {"gate alone", test_gate_alone},
                    {"adapter", test_adapter},
                    {"ropes of texts", test_text_ropes},
                    {"ropes of images", test_image_ropes}});
}
