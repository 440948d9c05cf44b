// The operations of language models and adapters.
#include "engine/tensorrt/norms.h"
#include "engine/tensorrt/tensorrt_net.h"

namespace llm2clip::tensorrt {

using nvinfer1::DataType;

Value TensorrtNet::tokens() { return made(texts_.emplace(out_).ids()); }

Value TensorrtNet::text_features() {
  return made(out_.input("text_features", batch_of(-1, input_)));
}

Value TensorrtNet::embed(Value tokens, const Weight& table) {
  Tensor const rows = out_.rows_of(out_.weight(table, table.shape()), t(tokens));
  return made(out_.cast(rows, DataType::kFLOAT));
}

Value TensorrtNet::rms_norm(Value x, const RmsNorm& n) {
  return made(normalise_root_mean_square(out_, out_.cast(t(x), DataType::kFLOAT), n));
}

Value TensorrtNet::text_attention(Value qkv, const GroupedHeads& heads, const Rope& rope) {
  const auto& [count, kv_count, dim] = heads;
  Tensor const x = t(qkv), places = texts_->places();
  Tensor const q = query_turns_.turn(out_, some_heads(out_, x, 0, count, dim), rope, places);
  Tensor const k = key_turns_.turn(out_, some_heads(out_, x, count, kv_count, dim), rope, places);
  Tensor const v = some_heads(out_, x, count + kv_count, kv_count, dim);
  return made(attend(out_, q, k, v, texts_->attention_mask()));
}

Value TensorrtNet::gate(Value gate_up) { return made(out_.cast(gated(gate_up), out_.type())); }

Value TensorrtNet::text_mean(Value x) { return made(texts_->mean(out_, t(x))); }

Value TensorrtNet::l2_normalize(Value x) {
  return made(normalise_length(out_, out_.cast(t(x), DataType::kFLOAT)));
}

}  // namespace llm2clip::tensorrt
