#include "network_test.h"

#include <algorithm>
#include <cmath>

#include "batch/text_list.h"
#include "batch/text_rows.h"
#include "engine/tensorrt/vendor.h"
#include "host_network.h"
#include "plain_text.h"
#include "tests/expect.h"

namespace llm2clip::testing {
namespace {

using namespace tensorrt;
using nvinfer1::DataType;
using nvinfer1::LayerType;

constexpr int64_t kLayers = 2, kMaxTokens = 12, kEmbedding = 10;

// The hidden width needs padding, and the RoPE scaling is strong enough to matter with so few
// tokens.
LlamaConfig llama_config() {
  return {.vocabulary_size = 50,
          .width = 24,
          .layers = kLayers,
          .heads = 4,
          .kv_heads = 2,
          .head_dim = 8,
          .hidden = 44,
          .rms_norm_eps = 1e-5,
          .rope_theta = 100,
          .rope_scaling = RopeScaling{8, 1, 4, 40},
          .max_tokens = kMaxTokens};
}

Described llama_described(const LlamaConfig& c, Precision precision = Precision::kFp16) {
  Shapes shapes{{"embed_tokens.weight", {c.vocabulary_size, c.width}}, {"norm.weight", {c.width}}};
  const int64_t q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim;
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string layer = "layers." + std::to_string(i);
    shapes[layer + ".input_layernorm.weight"] = {c.width};
    shapes[layer + ".post_attention_layernorm.weight"] = {c.width};
    shapes[layer + ".self_attn.q_proj.weight"] = {q, c.width};
    shapes[layer + ".self_attn.k_proj.weight"] = {kv, c.width};
    shapes[layer + ".self_attn.v_proj.weight"] = {kv, c.width};
    shapes[layer + ".self_attn.o_proj.weight"] = {c.width, q};
    shapes[layer + ".mlp.gate_proj.weight"] = {c.hidden, c.width};
    shapes[layer + ".mlp.up_proj.weight"] = {c.hidden, c.width};
    shapes[layer + ".mlp.down_proj.weight"] = {c.width, c.hidden};
  }
  return {c, {c.max_tokens}, precision, shapes, drawn};
}

AdapterConfig adapter_config(bool normalizes_input) {
  return {.width = 16,
          .hidden = 32,
          .layers = kLayers,
          .embedding_dim = kEmbedding,
          .normalizes_input = normalizes_input,
          .layer_norm_eps = 1e-5};
}

Described adapter_described(const AdapterConfig& c, Precision precision = Precision::kFp16) {
  Shapes shapes;
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    add_affine(shapes, block + ".norm", c.width, 0);
    add_affine(shapes, block + ".fc1", c.hidden, c.width);
    add_affine(shapes, block + ".fc2", c.width, c.hidden);
  }
  add_affine(shapes, "norm", c.width, 0);
  add_affine(shapes, "head", c.embedding_dim, c.width);
  return {c, {c.width}, precision, shapes, drawn};
}

void expect_output(Described& net, int64_t dim) {
  Tensor const output = net.network().getOutput(0);
  EXPECT(net.network().getNbOutputs() == 1 && output->getName() == std::string("embedding"));
  EXPECT(output->getType() == DataType::kFLOAT && shape_of(output) == (Shape{-1, dim}));
  EXPECT(net.counts_every_parameter());
}

// The tolerance covers the angles, which are stored in f32.
void expect_near(const std::vector<double>& expected, const double* found) {
  for (size_t i = 0; i < expected.size(); ++i) EXPECT(std::abs(found[i] - expected[i]) < 1e-5);
}

struct Text {
  std::vector<int32_t> ids;
  int64_t pooled;
};

const std::vector<Text> kTexts{{{3, 49, 0, 7, 21}, 3},
                               {{11}, 1},
                               {{5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 12},
                               {{40, 2, 40}, 1}};

using Inputs = std::map<std::string, Array>;

// As a session passes texts to a plan, with an extra empty row.
Inputs padded_on_the_left() {
  TextList list;
  for (const Text& text : kTexts) list.add(text.ids, text.pooled);
  const auto texts = static_cast<int64_t>(kTexts.size());
  const Shape shape{texts + 1, kMaxTokens + 2};
  std::vector<int64_t> ids(static_cast<size_t>(element_count(shape))), there = ids, counts = ids;
  write_text_rows(list.view(), {shape[0], shape[1], ids, there, counts});
  const auto array = [&](const std::vector<int64_t>& numbers) {
    return Array{shape, {numbers.begin(), numbers.end()}};
  };
  return {
      {"input_ids", array(ids)}, {"attention_mask", array(there)}, {"pool_mask", array(counts)}};
}

// Other programs may pad on this side.
Inputs padded_on_the_right() {
  const Shape shape{static_cast<int64_t>(kTexts.size()), kMaxTokens};
  const Array none{shape, std::vector<double>(static_cast<size_t>(element_count(shape)))};
  Inputs inputs{{"input_ids", none}, {"attention_mask", none}, {"pool_mask", none}};
  for (size_t i = 0; i < kTexts.size(); ++i) {
    const auto& [ids, pooled] = kTexts[i];
    const auto row = [&](const char* name) {
      return inputs.at(name).numbers.begin() + static_cast<int64_t>(i) * kMaxTokens;
    };
    const auto size = static_cast<int64_t>(ids.size());
    std::ranges::copy(ids, row("input_ids"));
    std::fill_n(row("attention_mask"), size, 1);
    std::fill_n(row("pool_mask") + size - pooled, pooled, 1);
  }
  return inputs;
}

}  // namespace

void test_text_interfaces() {
  Described llama = llama_described(llama_config());
  EXPECT(llama.network().getNbInputs() == 3);
  const char* const names[]{"input_ids", "attention_mask", "pool_mask"};
  for (int32_t i = 0; i < 3; ++i) {
    Tensor const input = llama.network().getInput(i);
    EXPECT(input->getName() == std::string(names[i]) && input->getType() == DataType::kINT64);
    EXPECT(shape_of(input) == (Shape{-1, -1}));
  }
  expect_output(llama, 24);

  Described adapter = adapter_described(adapter_config(true));
  EXPECT(adapter.network().getNbInputs() == 1);
  Tensor const feature = adapter.network().getInput(0);
  EXPECT(feature->getName() == std::string("text_features"));
  EXPECT(feature->getType() == DataType::kFLOAT && shape_of(feature) == (Shape{-1, 16}));
  expect_output(adapter, kEmbedding);
}

// Matrix products have the network's type. Norms, RoPE and the residual stream are in f32.
void test_text_types() {
  for (const auto& [precision, type] :
       {std::pair{Precision::kFp16, DataType::kHALF}, std::pair{Precision::kBf16, DataType::kBF16},
        std::pair{Precision::kFp32, DataType::kFLOAT}}) {
    Described llama = llama_described(llama_config(), precision);
    Described adapter = adapter_described(adapter_config(true), precision);
    for (Described* net : {&llama, &adapter}) {
      for (auto* layer : net->layers(LayerType::kMATRIX_MULTIPLY)) {
        EXPECT(layer->getInput(0)->getType() == type && layer->getOutput(0)->getType() == type);
      }
      for (const LayerType in_f32 :
           {LayerType::kNORMALIZATION, LayerType::kROTARY_EMBEDDING, LayerType::kREDUCE}) {
        for (auto* layer : net->layers(in_f32)) {
          EXPECT(layer->getInput(0)->getType() == DataType::kFLOAT);
        }
      }
    }
    EXPECT(llama.layers(LayerType::kROTARY_EMBEDDING).size() == 2 * kLayers);
    // One sum of squares per norm. The mean has a sum and a count.
    EXPECT(llama.layers(LayerType::kREDUCE).size() == 2 * kLayers + 1 + 2);
    const auto sums = llama.layers(LayerType::kELEMENTWISE);
    EXPECT(std::ranges::count_if(sums, [](nvinfer1::ILayer* layer) {
             const auto* sum = static_cast<nvinfer1::IElementWiseLayer*>(layer);
             return sum->getOperation() == nvinfer1::ElementWiseOperation::kSUM &&
                    shape_of(layer->getOutput(0)) == (Shape{-1, -1, 24}) &&
                    layer->getOutput(0)->getType() == DataType::kFLOAT;
           }) == 2 * kLayers);
  }
}

// Each attention is one fused kernel with shared key heads that are not repeated. All of them use
// the same padding mask.
void test_text_attention() {
  for (const Precision precision : {Precision::kFp16, Precision::kBf16, Precision::kFp32}) {
    Described net = llama_described(llama_config(), precision);
    const auto attentions = net.layers(LayerType::kATTENTION_INPUT);
    EXPECT(attentions.size() == kLayers && net.layers(LayerType::kSOFTMAX).empty());
    for (auto* layer : attentions) {
      auto* attention = static_cast<nvinfer1::IAttentionBoundaryLayer*>(layer)->getAttention();
      EXPECT(attention->getDecomposable() == (precision == Precision::kFp32));
      EXPECT(attention->getCausalKind() == nvinfer1::CausalMaskKind::kNONE);
      EXPECT(shape_of(attention->getInput(0)) == (Shape{-1, 4, -1, 8}));
      EXPECT(shape_of(attention->getInput(1)) == (Shape{-1, 2, -1, 8}));
      EXPECT(shape_of(attention->getInput(2)) == (Shape{-1, 2, -1, 8}));
      auto* const first = static_cast<nvinfer1::IAttentionBoundaryLayer*>(attentions[0]);
      EXPECT(attention->getMask() == first->getAttention()->getMask());
      EXPECT(attention->getMask()->getType() == DataType::kBOOL);
    }
  }
}

void test_llama() {
  LlamaConfig stretched = llama_config(), plain = stretched;
  plain.rope_scaling = std::nullopt;
  for (const LlamaConfig& config : {stretched, plain}) {
    Described net = llama_described(config, Precision::kFp32);
    HostNetwork host(net.network());
    for (const Inputs& inputs : {padded_on_the_left(), padded_on_the_right()}) {
      const Array features = host.run(inputs);
      EXPECT(features.shape == (Shape{inputs.at("input_ids").shape[0], config.width}));
      for (size_t i = 0; i < kTexts.size(); ++i) {
        const auto& [ids, pooled] = kTexts[i];
        expect_near(plain_llama(config, drawn, {ids.begin(), ids.end()}, pooled),
                    features.numbers.data() + i * static_cast<size_t>(config.width));
      }
      EXPECT(std::ranges::all_of(features.numbers, [](double x) { return std::isfinite(x); }));
    }
  }
}

// A gate of what is no linear, which nothing pads.
class GateAlone final : public TensorrtNet {
 public:
  GateAlone() : TensorrtNet(create_builder(), Precision::kFp32, {6}) {
    network_ = &finish(gate(text_features()));
  }
  BuildReport save(Value, const std::string&) override { return {0, {}}; }
  nvinfer1::INetworkDefinition& network() { return *network_; }

 private:
  nvinfer1::INetworkDefinition* network_ = nullptr;
};

void test_gate_alone() {
  GateAlone net;
  const Array found =
      HostNetwork(net.network()).run({{"text_features", {{1, 6}, {-2, 0, 1, 3, 5, -7}}}});
  EXPECT(found.shape == (Shape{1, 3}));
  const auto silu = [](double x) { return x / (1 + std::exp(-x)); };
  expect_near({silu(-2) * 3, 0, silu(1) * -7}, found.numbers.data());
}

void test_adapter() {
  for (const bool normalizes_input : {true, false}) {
    const AdapterConfig config = adapter_config(normalizes_input);
    Described net = adapter_described(config, Precision::kFp32);
    Array features{{3, config.width}, {}};
    for (size_t i = 0; i < 3 * 16; ++i) features.numbers.push_back(9 * drawn("feature", i));
    const Array embeddings = HostNetwork(net.network()).run({{"text_features", features}});
    EXPECT(embeddings.shape == (Shape{3, kEmbedding}));
    for (size_t i = 0; i < 3; ++i) {
      const auto row = features.numbers.begin() + static_cast<int64_t>(i) * config.width;
      expect_near(plain_adapter(config, drawn, {row, row + config.width}),
                  embeddings.numbers.data() + i * kEmbedding);
    }
  }
}

}  // namespace llm2clip::testing
