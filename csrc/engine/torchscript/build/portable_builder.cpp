// The portable flavour: each operation of net.h is written in aten operators, as PyTorch users
// would write it.
#include <cstdio>

#include "engine/per_rope.h"
#include "engine/torchscript/build/torchscript_builder.h"

namespace llm2clip {
namespace {

class PortableBuilder final : public TorchscriptBuilder {
 public:
  explicit PortableBuilder(Precision precision) : TorchscriptBuilder(precision) {}

  Value patch_embed(Value pixels, const Conv& patch, const Tokens& tokens) override {
    set_tokens(tokens);
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
      const Angles angles = stored_.of(*rope, [&] { return stored(*rope); });
      q = rotate(q, angles);
      k = rotate(k, angles);
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

  // Texts padded to rows of one length, on either side.
  Value tokens() override {
    const Value ids = out_.emit(out_.input("input_ids"));
    const Value there = out_.emit("(" + out_.input("attention_mask") + " != 0)");
    mask_ = out_.emit(v(there) + ".unsqueeze(1).unsqueeze(1)");
    places_ = out_.emit("(" + v(there) + ".cumsum(1) - 1).clamp_min(0)");
    return ids;
  }

  Value text_features() override {
    return out_.emit(out_.input("text_features") + ".type_as(" + out_.typed_one() + ")");
  }

  Value embed(Value tokens, const Weight& table) override {
    return out_.emit("torch.embedding(" + out_.parameter(table) + ", " + v(tokens) + ")");
  }

  Value rms_norm(Value x, const RmsNorm& n) override {
    const Value full = out_.emit(v(x) + ".float()");
    const Value scale = out_.emit("torch.rsqrt((" + v(full) + " * " + v(full) +
                                  ").mean([-1], True) + " + python_float(n.eps) + ")");
    return out_.emit("(" + v(full) + " * " + v(scale) + ").type_as(" + v(x) + ") * " +
                     out_.parameter(n.weight));
  }

  Value text_attention(Value qkv, const GroupedHeads& heads, const Rope& rope) override {
    const Angles angles = at_places_.of(rope, [&] { return at_places(stored(rope)); });
    const int64_t kv = heads.kv_count;
    const Value q = rotate(some_heads(qkv, 0, heads.count, heads.dim), angles);
    const Value k = rotate(some_heads(qkv, heads.count, kv, heads.dim), angles);
    const Value value = some_heads(qkv, heads.count + kv, kv, heads.dim);
    const std::string repeated = ".repeat_interleave(" + std::to_string(heads.count / kv) + ", 1)";
    return out_.emit("torch.scaled_dot_product_attention(" + v(q) + ", " + v(k) + repeated + ", " +
                     v(value) + repeated + ", " + v(mask_) + ").transpose(1, 2).flatten(2)");
  }

  Value gate(Value gate_up) override {
    const Value halves = out_.emit(v(gate_up) + ".unflatten(-1, [2, -1])");
    return out_.emit("torch.silu(" + v(halves) + ".select(-2, 0)) * " + v(halves) +
                     ".select(-2, 1)");
  }

  Value text_mean(Value x) override {
    const Value share = out_.emit("(" + out_.input("pool_mask") + " != 0).float().unsqueeze(-1)");
    return out_.emit("(" + v(x) + ".float() * " + v(share) + ").sum(1) / " + v(share) + ".sum(1)");
  }

  Value l2_normalize(Value x) override {
    return out_.emit("(" + v(x) + ".float() / torch.linalg_vector_norm(" + v(x) +
                     ".float(), 2, [-1], True).clamp_min(1e-12)).type_as(" + v(x) + ")");
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

  // Selects `count` heads from `first` on: [B, N, heads · dim] → [B, count, N, dim]
  Value some_heads(Value x, int64_t first, int64_t count, int64_t dim) {
    return out_.emit(v(x) + ".narrow(2, " + std::to_string(first * dim) + ", " +
                     std::to_string(count * dim) + ").unflatten(2, [" + std::to_string(count) +
                     ", -1]).transpose(1, 2)");
  }

  // The names of the cosines and sines, [tokens, dim] or [B, 1, N, dim].
  struct Angles {
    std::string cos, sin;
  };

  Angles stored(const Rope& rope) {
    const Shape shape{rope.tokens, rope.head_dim()};
    return {out_.buffer(rope.cos, shape), out_.buffer(rope.sin, shape)};
  }

  // Selects the angles of each token by its position id, so that padding before it has no effect.
  // [most, dim] → [B, 1, N, dim]
  Angles at_places(const Angles& angles) {
    const auto rows_of = [&](const std::string& table) {
      return v(out_.emit("torch.embedding(" + table + ", " + v(places_) + ").unsqueeze(1)"));
    };
    return {rows_of(angles.cos), rows_of(angles.sin)};
  }

  // In f32, because the angles of large position ids need more bits than bf16 has.
  Value rotate(Value x, const Angles& angles) {
    const Value pairs = out_.emit(v(x) + ".float().unflatten(-1, [-1, 2])");
    const Value turned = out_.emit("torch.stack([-" + v(pairs) + ".select(-1, 1), " + v(pairs) +
                                   ".select(-1, 0)], -1).flatten(-2)");
    return out_.emit("(" + v(x) + ".float() * " + angles.cos + " + " + v(turned) + " * " +
                     angles.sin + ").type_as(" + v(x) + ")");
  }

  PerRope<Angles> stored_;     // of images
  PerRope<Angles> at_places_;  // of texts
  Value mask_{};               // [B, 1, 1, N]: true for a token, false for padding
  Value places_{};             // position ids [B, N]
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
