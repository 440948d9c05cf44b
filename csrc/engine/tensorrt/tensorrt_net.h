#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/tensorrt/heads.h"
#include "engine/tensorrt/network_writer.h"
#include "engine/tensorrt/texts.h"

namespace llm2clip::tensorrt {

// Lowers net.h to layers of a strongly typed network. Matrix products run in the network's type.
// Norms and RoPE run in f32, with casts that the library fuses. The residual stream of a text tower
// stays in f32. tensorrt_net_text.cpp has the text side.
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
  // Completes the network after the model has described all of it.
  nvinfer1::INetworkDefinition& finish(Value embedding);
  int64_t parameters() const { return out_.parameters() + projected_; }

 private:
  // A linear is not added until something reads it, because gated_norm() needs it padded.
  struct LaterLinear {
    Value x;
    Linear w;
  };
  struct Said {
    Tensor tensor;  // null: not added yet
    std::optional<LaterLinear> later;
  };

  Value last() const { return {static_cast<int>(values_.size()) - 1}; }
  Value made(Tensor tensor);
  Tensor t(Value value);
  // Adds a linear whose output is `blocks` blocks side by side. If there are several, each block is
  // padded. If x is padded, the columns are padded, too.
  Tensor linear_in_blocks(const Said& said, int64_t blocks);
  // silu(gate) · up, f32 [.., H], padded where gate_up is a linear.
  Tensor gated(Value gate_up);

  std::shared_ptr<nvinfer1::IBuilder> builder_;  // must outlive its network
  NetworkWriter out_;
  Shape input_;  // the shape of one input of a batch
  std::vector<Said> values_;
  Turns query_turns_{Turns::Of::kQueries};
  Turns key_turns_{Turns::Of::kKeys};
  std::optional<Texts> texts_;  // set when tokens() is called
  int64_t projected_ = 0;       // parameters of pool_attention()'s projected query
};

}  // namespace llm2clip::tensorrt
