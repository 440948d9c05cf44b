// LLM2CLIP's adapter (Huang et al., arXiv 2411.04997): residual MLPs over one feature per text.
#include "model/bind.h"
#include "model/text.h"

namespace llm2clip {

Value adapter(Net& net, Weights& w, const AdapterConfig& c) {
  Value x = net.text_features();
  if (c.normalizes_input) x = net.l2_normalize(x);
  for (int64_t i = 0; i < c.layers; ++i) {
    const std::string block = "blocks." + std::to_string(i);
    Value h = net.layer_norm(x, norm(w, block + ".norm", c.width, c.layer_norm_eps));
    h = net.linear(h, linear(w, block + ".fc1", c.width, c.hidden));
    h = net.activation(h, Activation::kGelu);
    x = net.add(x, net.linear(h, linear(w, block + ".fc2", c.hidden, c.width)));
  }
  x = net.layer_norm(x, norm(w, "norm", c.width, c.layer_norm_eps));
  const Value embedding = net.linear(x, linear(w, "head", c.width, c.embedding_dim));
  w.require_all_used();
  return embedding;
}

}  // namespace llm2clip
