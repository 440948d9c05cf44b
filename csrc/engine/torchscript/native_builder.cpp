// The native flavour: each operation of net.h is one fused operator of this project.
#include "engine/torchscript/torchscript_builder.h"

namespace llm2clip {
namespace {

class NativeBuilder final : public TorchscriptBuilder {
 public:
  explicit NativeBuilder(Precision precision) : TorchscriptBuilder(precision) {}

  Value patch_embed(Value pixels, const Conv& patch, const Tokens& tokens) override {
    return call("patch_embed", {v(pixels), out_.parameter(patch.weight), optional(patch.bias),
                                optional(tokens.cls), out_.parameter(tokens.position),
                                std::to_string(patch.patch)});
  }

  Value layer_norm(Value x, const Norm& n) override {
    return call("layer_norm", {v(x), out_.parameter(n.weight), out_.parameter(n.bias), eps(n)});
  }

  Value linear(Value x, const Linear& w) override {
    return call("linear", {v(x), out_.linear_weight(w.weight), optional(w.bias),
                           std::to_string(w.weight.shape()[0])});
  }

  Value attention(Value qkv, const Heads& heads, const Rope* rope) override {
    return call("attention", {v(qkv), std::to_string(heads.count), angles(rope)});
  }

  Value pool_attention(const Weight& query, const Linear& q, Value kv,
                       const Heads& heads) override {
    return call("pool_attention", {out_.parameter(query), out_.parameter(q.weight),
                                   optional(q.bias), v(kv), std::to_string(heads.count)});
  }

  Value gated_norm(Value gate_up, const Norm& n) override {
    return call("gated_norm",
                {v(gate_up), out_.parameter(n.weight), out_.parameter(n.bias), eps(n)});
  }

  Value activation(Value x, Activation activation) override {
    switch (activation) {
      case Activation::kQuickGelu: return call("quick_gelu", {v(x)});
      case Activation::kGelu: return call("gelu", {v(x), "False"});
      case Activation::kGeluTanh: return call("gelu", {v(x), "True"});
    }
    return x;
  }

  BuildReport save(Value embedding, const std::string& path) override {
    return out_.save(embedding, path, /*frozen=*/false);
  }

 private:
  Value call(const std::string& op, const std::vector<std::string>& arguments) {
    std::string list;
    for (const std::string& argument : arguments) list += (list.empty() ? "" : ", ") + argument;
    return out_.emit("ops.llm2clip." + op + "(" + list + ")");
  }

  // All blocks turn by the same angles: they are stored once, cosines above sines [2, N, dim].
  std::string angles(const Rope* rope) {
    if (rope == nullptr) return "None";
    if (angles_.empty()) {
      std::vector<float> both = rope->cos;
      both.insert(both.end(), rope->sin.begin(), rope->sin.end());
      angles_ = out_.buffer(both, {2, rope->tokens, -1});
    }
    return angles_;
  }

  static std::string eps(const Norm& n) { return python_float(n.eps); }

  std::string angles_;
};

}  // namespace

std::unique_ptr<Builder> native_builder(Precision precision) {
  return std::make_unique<NativeBuilder>(precision);
}

}  // namespace llm2clip
