// The portable flavour: each operation of net.h spelled out in aten, as PyTorch users would write
// it.
#include <cstdio>

#include "engine/torchscript/torchscript_builder.h"

namespace llm2clip {
namespace {

class PortableBuilder final : public TorchscriptBuilder {
 public:
  explicit PortableBuilder(Precision precision) : TorchscriptBuilder(precision) {}

  Value patch_embed(Value pixels, const Conv& patch, const Tokens& tokens) override {
    const std::string weight = out_.parameter(patch.weight);
    const std::string stride = std::to_string(patch.patch);
    Value x = out_.emit("torch.conv2d(" + v(pixels) + ".type_as(" + weight + "), " + weight + ", " +
                        optional(patch.bias) + ", [" + stride + ", " + stride + "])");
    x = out_.emit(v(x) + ".flatten(2).transpose(1, 2)");
    if (tokens.cls) {
      const std::string cls = out_.parameter(*tokens.cls);
      x = out_.emit("torch.cat([" + cls + ".expand([" + v(x) + ".size(0), -1, -1]), " + v(x) +
                    "], 1)");
    }
    return out_.emit(v(x) + " + " + out_.parameter(tokens.position));
  }

  Value layer_norm(Value x, const Norm& n) override { return normalise(v(x), n); }

  Value linear(Value x, const Linear& w) override {
    return out_.emit("torch.linear(" + v(x) + ", " + out_.parameter(w.weight) + ", " +
                     optional(w.bias) + ")");
  }

  Value attention(Value qkv, const Heads& heads, const Rope* rope) override {
    const Value split = split_heads(qkv, 3, heads);  // [3, B, H, N, dim]
    Value q = out_.emit(v(split) + ".select(0, 0)");
    Value k = out_.emit(v(split) + ".select(0, 1)");
    const Value value = out_.emit(v(split) + ".select(0, 2)");
    if (rope != nullptr) {
      q = rotate(q, *rope);
      k = rotate(k, *rope);
    }
    return attend(v(q), k, value);
  }

  Value pool_attention(const Weight& query, const Linear& q, Value kv,
                       const Heads& heads) override {
    const std::string latent = out_.parameter(query);
    Value x = out_.emit("torch.linear(" + latent + ", " + out_.parameter(q.weight) + ", " +
                        optional(q.bias) + ").expand([" + v(kv) + ".size(0), -1, -1])");
    x = out_.emit(v(split_heads(x, 1, heads)) + ".select(0, 0)");
    const Value split = split_heads(kv, 2, heads);
    const Value k = out_.emit(v(split) + ".select(0, 0)");
    const Value value = out_.emit(v(split) + ".select(0, 1)");
    return attend(v(x), k, value);
  }

  Value gated_norm(Value gate_up, const Norm& n) override {
    const std::string hidden = std::to_string(n.weight.shape()[0]);
    const Value gate = out_.emit(v(gate_up) + ".narrow(-1, 0, " + hidden + ")");
    const Value up = out_.emit(v(gate_up) + ".narrow(-1, " + hidden + ", " + hidden + ")");
    return normalise("(torch.silu(" + v(gate) + ") * " + v(up) + ")", n);
  }

  Value activation(Value x, Activation activation) override {
    switch (activation) {
      case Activation::kQuickGelu:
        return out_.emit(v(x) + " * torch.sigmoid(1.702 * " + v(x) + ")");
      case Activation::kGelu: return out_.emit("torch.gelu(" + v(x) + ")");
      case Activation::kGeluTanh:
        return out_.emit("torch.gelu(" + v(x) + ", approximate=\"tanh\")");
    }
    return x;
  }

  Value add(Value a, Value b) override { return out_.emit(v(a) + " + " + v(b)); }

  Value select_token(Value x, int64_t token) override {
    return out_.emit(v(x) + ".select(1, " + std::to_string(token) + ")");
  }

  BuildReport save(Value embedding, const std::string& path) override {
    return out_.save(embedding, path, /*frozen=*/true);
  }

 private:
  Value normalise(const std::string& x, const Norm& n) {
    return out_.emit("torch.layer_norm(" + x + ", [" + std::to_string(n.weight.shape()[0]) + "], " +
                     out_.parameter(n.weight) + ", " + out_.parameter(n.bias) + ", " +
                     python_float(n.eps) + ")");
  }

  // [B, N, parts · H · dim] → [parts, B, H, N, dim]
  Value split_heads(Value x, int parts, const Heads& heads) {
    return out_.emit(v(x) + ".unflatten(2, [" + std::to_string(parts) + ", " +
                     std::to_string(heads.count) + ", " + std::to_string(heads.dim) +
                     "]).permute([2, 0, 3, 1, 4])");
  }

  // [B, H, N, dim] each → [B, N, H · dim]
  Value attend(const std::string& q, Value k, Value value) {
    return out_.emit("torch.scaled_dot_product_attention(" + q + ", " + v(k) + ", " + v(value) +
                     ").transpose(1, 2).flatten(2)");
  }

  // In f32: the angles of far tokens need more bits than bf16 has.
  Value rotate(Value x, const Rope& rope) {
    if (cos_.empty()) {
      cos_ = out_.buffer(rope.cos, {rope.tokens, -1});
      sin_ = out_.buffer(rope.sin, {rope.tokens, -1});
    }
    const Value pairs = out_.emit(v(x) + ".float().unflatten(-1, [-1, 2])");
    const Value turned = out_.emit("torch.stack([-" + v(pairs) + ".select(-1, 1), " + v(pairs) +
                                   ".select(-1, 0)], -1).flatten(-2)");
    return out_.emit("(" + v(x) + ".float() * " + cos_ + " + " + v(turned) + " * " + sin_ +
                     ").type_as(" + v(x) + ")");
  }

  std::string cos_, sin_;
};

}  // namespace

std::unique_ptr<Builder> portable_builder(Precision precision) {
  return std::make_unique<PortableBuilder>(precision);
}

std::string python_float(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.17e", value);
  return text;
}

}  // namespace llm2clip
