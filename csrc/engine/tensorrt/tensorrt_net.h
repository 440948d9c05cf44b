#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/tensorrt/heads.h"
#include "engine/tensorrt/network_writer.h"
#include "engine/tensorrt/texts.h"

namespace llm2clip::tensorrt {

// The lowering of net.h: what a model says becomes layers of a strongly typed network. Products run
// in the network's type, norms and rotations in f32, cast there and back, which the library fuses.
// What a text tower adds up from block to block stays in f32. tensorrt_net_text.cpp holds the text
// side.
class TensorrtNet : public Builder {
 public:
  TensorrtNet(std::shared_ptr<nvinfer1::IBuilder> builder, Precision precision, Shape input)
      : builder_(std::move(builder)), out_(*builder_, precision), input_(std::move(input)) {}

  Value pixels() final;
  Value patch_embed(Value pixels, const Conv& patch, const Tokens& tokens) final;
  Value layer_norm(Value x, const Norm& n) final;
  Value linear(Value x, const Linear& w) final;
  Value attention(Value qkv, const Heads& heads, const Rope* rope) final;
  Value pool_attention(const Weight& query, const Linear& q, Value kv, const Heads& heads) final;
  Value gated_norm(Value gate_up, const Norm& n) final;
  Value activation(Value x, Activation activation) final;
  Value add(Value a, Value b) final;
  Value select_token(Value x, int64_t token) final;

  Value tokens() final;
  Value text_features() final;
  Value embed(Value tokens, const Weight& table) final;
  Value rms_norm(Value x, const RmsNorm& n) final;
  Value text_attention(Value qkv, const GroupedHeads& heads, const Rope& rope) final;
  Value gate(Value gate_up) final;
  Value text_mean(Value x) final;
  Value l2_normalize(Value x) final;

 protected:
  nvinfer1::IBuilder& builder() { return *builder_; }
  // The whole network, once the model has said all of it.
  nvinfer1::INetworkDefinition& finish(Value embedding);
  int64_t parameters() const { return out_.parameters() + projected_; }

 private:
  // A linear is not said until something reads it: gated_norm() has it padded.
  struct LaterLinear {
    Value x;
    Linear w;
  };
  struct Said {
    Tensor tensor;  // null: still to be said
    std::optional<LaterLinear> later;
  };

  Value last() const { return {static_cast<int>(values_.size()) - 1}; }
  Value made(Tensor tensor);
  Tensor t(Value value);
  // A linear of `blocks` side by side: each is padded where there are several, and so are the
  // columns where x is.
  Tensor linear_in_blocks(const Said& said, int64_t blocks);
  // silu(gate) · up, f32 [.., H], padded.
  Tensor gated(Value gate_up);

  std::shared_ptr<nvinfer1::IBuilder> builder_;  // outlives its network
  NetworkWriter out_;
  Shape input_;  // one of a batch
  std::vector<Said> values_;
  Turns query_turns_{Turns::Of::kQueries};
  Turns key_turns_{Turns::Of::kKeys};
  std::optional<Texts> texts_;  // once tokens() is said
  int64_t projected_ = 0;       // parameters that pool_attention() made its query of
};

}  // namespace llm2clip::tensorrt
