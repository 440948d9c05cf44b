#include "model/vit_block.h"

#include "base/error.h"
#include "model/bind.h"

namespace llm2clip {
namespace {

Activation parse_activation(const std::string& name) {
  if (name == "quick_gelu") return Activation::kQuickGelu;
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_tanh") return Activation::kGeluTanh;
  throw Error(ErrorCode::kCheckpointUnsupported,
              "expected an activation of quick_gelu, gelu or gelu_tanh, found " + name);
}

Value vit_attention(Net& net, Weights& w, const std::string& name, const VisionConfig& c,
                    Reach reach, Value x) {
  x = net.linear(x, pack({linear(w, name + ".q_proj", c.width, c.width),
                          linear(w, name + ".k_proj", c.width, c.width),
                          linear(w, name + ".v_proj", c.width, c.width)}));
  x = within(reach, net, net.attention(x, {c.heads, c.head_dim()}, nullptr));
  return net.linear(x, linear(w, name + ".proj", c.width, c.width));
}

}  // namespace

Value vit_mlp(Net& net, Weights& w, const std::string& name, const VisionConfig& c, Value x) {
  x = net.linear(x, linear(w, name + ".fc1", c.width, c.hidden));
  x = net.activation(x, parse_activation(c.activation));
  return net.linear(x, linear(w, name + ".fc2", c.hidden, c.width));
}

Value vit_block(Net& net, Weights& w, const std::string& name, const VisionConfig& c, Reach reach,
                Value x) {
  Value h = net.layer_norm(x, norm(w, name + ".norm1", c.width, c.layer_norm_eps));
  x = net.add(within(reach, net, x), vit_attention(net, w, name + ".attn", c, reach, h));
  h = net.layer_norm(x, norm(w, name + ".norm2", c.width, c.layer_norm_eps));
  return net.add(x, vit_mlp(net, w, name + ".mlp", c, h));
}

}  // namespace llm2clip
