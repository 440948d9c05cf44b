// SigLIP 2's vision tower (Tschannen et al., arXiv 2502.14786). It has no class token. At the end,
// a latent query attends to all tokens.
#include "model/bind.h"
#include "model/vision.h"
#include "model/vit_block.h"

namespace llm2clip {
namespace {

// For kTokens, pool_attention_alone() pools each token by itself, as MaskCLIP does (Zhou et al.,
// arXiv 2112.01071). This brings each token into the embedding space.
Value attention_pool(Net& net, Weights& w, const VisionConfig& c, TowerOutput output, Value x) {
  const Weight latent = w.get("attn_pool.latent", {1, 1, c.width});
  const Linear q = linear(w, "attn_pool.q", c.width, c.width);
  const Value kv = net.linear(x, linear(w, "attn_pool.kv", c.width, 2 * c.width));
  x = output == TowerOutput::kTokens ? net.pool_attention_alone(kv)
                                     : net.pool_attention(latent, q, kv, {c.heads, c.head_dim()});
  x = net.linear(x, linear(w, "attn_pool.proj", c.width, c.width));
  const Value h = net.layer_norm(x, norm(w, "attn_pool.norm", c.width, c.layer_norm_eps));
  return net.add(x, vit_mlp(net, w, "attn_pool.mlp", c, h));
}

}  // namespace

Value siglip2(Net& net, Weights& w, const VisionConfig& c, TowerOutput output) {
  const int64_t tokens = c.grid() * c.grid();
  const Conv patch{w.get("patch_embed.proj.weight", {c.width, 3, c.patch_size, c.patch_size}),
                   w.get("patch_embed.proj.bias", {c.width}), c.patch_size};

  Value x = net.patch_embed(net.pixels(), patch,
                            {std::nullopt, w.get("pos_embed", {1, tokens, c.width})});
  net.hidden_state(x);
  for (int64_t i = 0; i < c.layers; ++i) {
    x = vit_block(net, w, "blocks." + std::to_string(i), c, Reach::kAllTokens, x);
    net.hidden_state(x);
  }
  x = net.layer_norm(x, norm(w, "norm", c.width, c.layer_norm_eps));
  x = attention_pool(net, w, c, output, x);
  return output == TowerOutput::kTokens ? x : net.select_token(x, 0);
}

}  // namespace llm2clip
