// Llama 3 (arXiv 2407.21783) as an encoder: every token of a text attends to all tokens of it, and
// the feature is the mean over tokens.
#include <cmath>

#include "model/bind.h"
#include "model/text.h"

namespace llm2clip {
namespace {

double scaled(double frequency, const RopeScaling& s) {
  const double waves =
      s.original_positions * frequency / (2 * M_PI);  // in positions of the pre-training context
  if (waves < s.low_freq_factor) return frequency / s.factor;
  if (waves > s.high_freq_factor) return frequency;
  const double share = (waves - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor);
  return (1 - share) * frequency / s.factor + share * frequency;
}

Rope rope_of(const LlamaConfig& c) {
  Rope rope{c.max_tokens, {}, {}};
  for (int64_t token = 0; token < c.max_tokens; ++token) {
    for (int64_t i = 0; i < c.head_dim; ++i) {
      const double exponent = static_cast<double>(i / 2 * 2) / static_cast<double>(c.head_dim);
      double frequency = std::pow(c.rope_theta, -exponent);
      if (c.rope_scaling) frequency = scaled(frequency, *c.rope_scaling);
      const double angle = static_cast<double>(token) * frequency;
      rope.cos.push_back(static_cast<float>(std::cos(angle)));
      rope.sin.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  return rope;
}

// The checkpoint rotates element i of a head together with element i + dim / 2, but net.h rotates
// neighbouring elements. So this function reorders the rows of the query and key weights. The order
// is the same for both, and therefore does not change the dot products of queries and keys.
Linear turning_neighbours(Linear w, int64_t dim) {
  std::vector<int64_t> order;
  for (int64_t row = 0; row < w.weight.shape()[0]; ++row) {
    const int64_t i = row % dim;
    order.push_back(row - i + i / 2 + i % 2 * (dim / 2));
  }
  return {reorder_rows(w.weight, std::move(order)), std::nullopt};
}

Value attention(Net& net, Weights& w, const std::string& name, const LlamaConfig& c,
                const Rope& rope, Value x) {
  const int64_t q_width = c.heads * c.head_dim, kv_width = c.kv_heads * c.head_dim;
  const Linear q = linear_without_bias(w, name + ".q_proj", c.width, q_width);
  const Linear k = linear_without_bias(w, name + ".k_proj", c.width, kv_width);
  const Linear v = linear_without_bias(w, name + ".v_proj", c.width, kv_width);
  x = net.linear(x,
                 pack({turning_neighbours(q, c.head_dim), turning_neighbours(k, c.head_dim), v}));
  x = net.text_attention(x, {c.heads, c.kv_heads, c.head_dim}, rope);
  return net.linear(x, linear_without_bias(w, name + ".o_proj", q_width, c.width));
}

Value swiglu(Net& net, Weights& w, const std::string& name, const LlamaConfig& c, Value x) {
  const Linear gate = linear_without_bias(w, name + ".gate_proj", c.width, c.hidden);
  const Linear up = linear_without_bias(w, name + ".up_proj", c.width, c.hidden);
  x = net.gate(net.linear(x, pack({gate, up})));
  return net.linear(x, linear_without_bias(w, name + ".down_proj", c.hidden, c.width));
}

}  // namespace

Value llama(Net& net, Weights& w, const LlamaConfig& c) {
  const Rope rope = rope_of(c);
  Value x = net.tokens();
  x = net.embed(x, w.get("embed_tokens.weight", {c.vocabulary_size, c.width}));
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string layer = "layers." + std::to_string(i);
    Value h = net.rms_norm(x, rms_norm(w, layer + ".input_layernorm", c.width, c.rms_norm_eps));
    x = net.add(x, attention(net, w, layer + ".self_attn", c, rope, h));
    h = net.rms_norm(x, rms_norm(w, layer + ".post_attention_layernorm", c.width, c.rms_norm_eps));
    x = net.add(x, swiglu(net, w, layer + ".mlp", c, h));
  }
  x = net.rms_norm(x, rms_norm(w, "norm", c.width, c.rms_norm_eps));
  const Value features = net.text_mean(x);
  w.require_all_used();
  return features;
}

}  // namespace llm2clip
