// The vision tower of OpenAI's CLIP (Radford et al., arXiv 2103.00020).
#include "model/bind.h"
#include "model/reach.h"
#include "model/vision.h"
#include "model/vit_block.h"

namespace llm2clip {

Value clip_vit(Net& net, Weights& w, const VisionConfig& c, TowerOutput output) {
  const int64_t tokens = c.grid() * c.grid() + 1;
  const Conv patch{w.get("patch_embed.proj.weight", {c.width, 3, c.patch_size, c.patch_size}),
                   std::nullopt, c.patch_size};

  Value x = net.patch_embed(
      net.pixels(), patch,
      {w.get("cls_token", {1, 1, c.width}), w.get("pos_embed", {1, tokens, c.width})});
  x = net.layer_norm(x, norm(w, "norm_pre", c.width, c.layer_norm_eps));
  net.hidden_state(x);
  for (int64_t i = 0; i < c.layers; ++i) {
    const Reach reach = reach_of(i, c.layers, output);
    x = vit_block(net, w, "blocks." + std::to_string(i), c, reach, x);
    net.hidden_state(x);
  }
  x = net.layer_norm(x, norm(w, "norm", c.width, c.layer_norm_eps));
  return net.linear(x, linear_without_bias(w, "head", c.width, c.embedding_dim));
}

}  // namespace llm2clip
