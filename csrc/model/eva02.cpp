// EVA02 (Fang et al., arXiv 2303.11331) as EVA-CLIP uses it: pre-norm blocks with RoPE, one
// LayerNorm inside the attention and one inside the SwiGLU.
#include <cmath>

#include "model/bind.h"
#include "model/reach.h"
#include "model/vision.h"

namespace llm2clip {
namespace {

// Two-dimensional RoPE. The row rotates the first half of a head and the column rotates the second
// half. Position ids are those of the pre-training grid, scaled to this grid. The class token is
// not rotated.
Rope rope_2d(const VisionConfig& c) {
  const int64_t grid = c.grid(), half = c.head_dim() / 2, dim = c.head_dim();
  Rope rope{1 + grid * grid, std::vector<float>(dim, 1.0F), std::vector<float>(dim, 0.0F)};
  for (int64_t patch = 0; patch < grid * grid; ++patch) {
    for (int64_t i = 0; i < dim; ++i) {
      const int64_t place = i < half ? patch / grid : patch % grid;
      const double position = static_cast<double>(place * c.rope_grid) / static_cast<double>(grid);
      const double exponent = static_cast<double>((i % half) / 2 * 2) / static_cast<double>(half);
      const double angle = position * std::pow(10000.0, -exponent);
      rope.cos.push_back(static_cast<float>(std::cos(angle)));
      rope.sin.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  return rope;
}

Value attention(Net& net, Weights& w, const std::string& name, const VisionConfig& c,
                const Rope& rope, Reach reach, Value x) {
  const Linear q = linear(w, name + ".q_proj", c.width, c.width);
  const Linear k = linear_without_bias(w, name + ".k_proj", c.width, c.width);
  const Linear v = linear(w, name + ".v_proj", c.width, c.width);
  x = net.linear(x, pack({q, k, v}));
  x = within(reach, net, net.attention(x, {c.heads, c.head_dim()}, &rope));
  x = net.layer_norm(x, norm(w, name + ".inner_attn_ln", c.width, c.layer_norm_eps));
  return net.linear(x, linear(w, name + ".proj", c.width, c.width));
}

Value swiglu(Net& net, Weights& w, const std::string& name, const VisionConfig& c, Value x) {
  const Linear gate = linear(w, name + ".w1", c.width, c.hidden);
  const Linear up = linear(w, name + ".w2", c.width, c.hidden);
  x = net.linear(x, pack({gate, up}));
  x = net.gated_norm(x, norm(w, name + ".ffn_ln", c.hidden, c.layer_norm_eps));
  return net.linear(x, linear(w, name + ".w3", c.hidden, c.width));
}

}  // namespace

Value eva02(Net& net, Weights& w, const VisionConfig& c, TowerOutput output) {
  const int64_t tokens = c.grid() * c.grid() + 1;
  const Conv patch{w.get("patch_embed.proj.weight", {c.width, 3, c.patch_size, c.patch_size}),
                   w.get("patch_embed.proj.bias", {c.width}), c.patch_size};
  const Rope rope = rope_2d(c);

  Value x = net.patch_embed(
      net.pixels(), patch,
      {w.get("cls_token", {1, 1, c.width}), w.get("pos_embed", {1, tokens, c.width})});
  net.hidden_state(x);
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    const Reach reach = reach_of(i, c.layers, output);
    Value h = net.layer_norm(x, norm(w, block + ".norm1", c.width, c.layer_norm_eps));
    x = net.add(within(reach, net, x), attention(net, w, block + ".attn", c, rope, reach, h));
    h = net.layer_norm(x, norm(w, block + ".norm2", c.width, c.layer_norm_eps));
    x = net.add(x, swiglu(net, w, block + ".mlp", c, h));
    net.hidden_state(x);
  }
  x = net.layer_norm(x, norm(w, "norm", c.width, c.layer_norm_eps));
  return net.linear(x, linear(w, "head", c.width, c.embedding_dim));
}

}  // namespace llm2clip
