#include "engine/tensorrt/tensorrt_net.h"

#include "engine/tensorrt/norms.h"

namespace llm2clip::tensorrt {

using nvinfer1::ActivationType;
using nvinfer1::DataType;

Value TensorrtNet::pixels() { return made(out_.input("pixel_values", batch_of(-1, input_))); }

Value TensorrtNet::patch_embed(Value pixels, const Conv& patch, const Tokens& tokens) {
  const Shape& shape = patch.weight.shape();
  const nvinfer1::Weights none{out_.type(), nullptr, 0};
  auto* const conv = out_.require_layer(
      out_.network().addConvolutionNd(
          *out_.cast(t(pixels), out_.type()), shape[0], nvinfer1::Dims2{patch.patch, patch.patch},
          out_.held(patch.weight), patch.bias ? out_.held(*patch.bias) : none),
      "a convolution");
  conv->setStrideNd(nvinfer1::Dims2{patch.patch, patch.patch});
  conv->setName(patch.weight.first_name().c_str());
  // [B, D, rows, columns] → [B, patches, D]
  Tensor x = out_.transpose(out_.reshape(conv->getOutput(0), {0, 0, -1}), {0, 2, 1});
  if (tokens.cls) {
    Tensor const cls = out_.weight(*tokens.cls, tokens.cls->shape());
    x = out_.concatenate({out_.expand(cls, x, {kAll, 1, shape[0]}), x}, 1);
  }
  return made(out_.add(x, out_.weight(tokens.position, tokens.position.shape())));
}

Value TensorrtNet::layer_norm(Value x, const Norm& n) {
  return made(normalise(out_, out_.cast(t(x), DataType::kFLOAT), n));
}

Value TensorrtNet::linear(Value x, const Linear& w) {
  values_.push_back({nullptr, LaterLinear{x, w}});
  return last();
}

Value TensorrtNet::attention(Value qkv, const Heads& heads, const Rope* rope) {
  Tensor const x = t(qkv);
  const auto part = [&](int64_t i) {
    return some_heads(out_, x, i * heads.count, heads.count, heads.dim);
  };
  Tensor q = part(0), k = part(1);
  if (rope != nullptr) {
    q = query_turns_.turn(out_, q, *rope);
    k = key_turns_.turn(out_, k, *rope);
  } else {
    q = out_.multiply(q, out_.scalar(attention_scale(heads.dim), q));
  }
  return made(attend(out_, q, k, part(2)));
}

Value TensorrtNet::pool_attention(const Weight& query, const Linear& q, Value kv,
                                  const Heads& heads) {
  Tensor const k = some_heads(out_, t(kv), 0, heads.count, heads.dim);
  Tensor const v = some_heads(out_, t(kv), heads.count, heads.count, heads.dim);
  // The query is the same for every image, so it is projected now.
  const std::vector<float> projected = projected_query(query, q, attention_scale(heads.dim));
  Tensor const latent =
      out_.cast(out_.numbers(projected, {1, heads.count, 1, heads.dim}), out_.type());
  projected_ += query.parameters() + q.weight.parameters() + (q.bias ? q.bias->parameters() : 0);
  // No fused kernel supports a single query with fewer than four heads, so the query is given
  // twice.
  const int64_t times = heads.count < 4 ? 2 : 1, width = heads.count * heads.dim;
  Tensor const asked = out_.expand(latent, k, {kAll, heads.count, times, heads.dim});
  Tensor const answers = attend(out_, asked, k, v);
  return made(times == 1 ? answers : out_.slice(answers, {0, 0, 0}, {kAll, 1, width}));
}

Value TensorrtNet::gated_norm(Value gate_up, const Norm& n) {
  const int64_t hidden = n.weight.shape()[0];
  Tensor const product = gated(gate_up);
  const bool padded = shape_of(product).back() != hidden;
  return made(padded ? normalise_padded(out_, product, n) : normalise(out_, product, n));
}

Value TensorrtNet::activation(Value x, Activation activation) {
  Tensor const in = t(x);
  switch (activation) {
    case Activation::kQuickGelu: {
      Tensor const scaled = out_.multiply(in, out_.scalar(1.702F, in));
      return made(out_.multiply(in, out_.activate(scaled, ActivationType::kSIGMOID)));
    }
    case Activation::kGelu: return made(out_.activate(in, ActivationType::kGELU_ERF));
    case Activation::kGeluTanh: return made(out_.activate(in, ActivationType::kGELU_TANH));
  }
  return x;
}

Value TensorrtNet::add(Value a, Value b) {
  Tensor const x = t(a), y = t(b);
  // If one of them is in f32, like the residual stream of a text tower, the sum is, too.
  const bool mixed = x->getType() != y->getType();
  return made(mixed ? out_.add(out_.cast(x, DataType::kFLOAT), out_.cast(y, DataType::kFLOAT))
                    : out_.add(x, y));
}

Value TensorrtNet::select_token(Value x, int64_t token) {
  Tensor const in = t(x);
  const int64_t width = shape_of(in).back();
  return made(out_.reshape(out_.slice(in, {0, token, 0}, {kAll, 1, width}), {0, width}));
}

Tensor TensorrtNet::gated(Value gate_up) {
  const Said& said = values_[static_cast<size_t>(gate_up.id)];
  Tensor const x = said.later ? linear_in_blocks(said, 2) : t(gate_up);
  const int64_t padded = shape_of(x).back() / 2;
  Shape begin(shape_of(x).size(), 0), extents(begin.size(), kAll);
  extents.back() = padded;
  Tensor const gate = out_.cast(out_.slice(x, begin, extents), DataType::kFLOAT);
  begin.back() = padded;
  Tensor const up = out_.cast(out_.slice(x, begin, extents), DataType::kFLOAT);
  Tensor const silu = out_.multiply(gate, out_.activate(gate, ActivationType::kSIGMOID));
  return out_.multiply(silu, up);
}

nvinfer1::INetworkDefinition& TensorrtNet::finish(Value embedding) {
  out_.mark_output(t(embedding), "embedding");
  return out_.network();
}

Value TensorrtNet::made(Tensor tensor) {
  values_.push_back({tensor, std::nullopt});
  return last();
}

Tensor TensorrtNet::t(Value value) {
  Said& said = values_[static_cast<size_t>(value.id)];
  if (said.tensor == nullptr) {
    Tensor const tensor = linear_in_blocks(said, 1);
    said.tensor = tensor;
  }
  return said.tensor;
}

Tensor TensorrtNet::linear_in_blocks(const Said& said, int64_t blocks) {
  const auto& [input, w] = *said.later;
  Tensor const x = t(input);
  const int64_t rows = w.weight.shape()[0] / blocks, columns = w.weight.shape()[1];
  const int64_t padded_rows = blocks == 1 ? rows : padded_size(rows);
  const Padding padding{blocks, rows, columns, padded_rows, shape_of(x).back()};
  Shape shape = as_row(padding.padded_columns, x);
  shape[shape.size() - 2] = blocks * padded_rows;
  Tensor y = out_.linear(x, out_.weight(w.weight, padding, shape), w.weight.first_name());
  if (!w.bias) return y;
  const Padding bias{blocks, rows, 1, padded_rows, 1};
  return out_.add(y, out_.weight(*w.bias, bias, as_row(blocks * padded_rows, y)));
}

}  // namespace llm2clip::tensorrt
