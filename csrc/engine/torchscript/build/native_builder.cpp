// The native flavour: each operation of net.h becomes one fused operator of this project. Two
// successive operations become one if an operator does both.
#include <map>
#include <utility>

#include "engine/per_rope.h"
#include "engine/torchscript/build/torchscript_builder.h"

namespace llm2clip {
namespace {

class NativeBuilder final : public TorchscriptBuilder {
 public:
  explicit NativeBuilder(const BuildOptions& options)
      : TorchscriptBuilder(options.precision), options_(options) {}

  Value patch_embed(Value pixels, const Conv& patch, const Tokens& tokens) override {
    set_tokens(tokens);
    out_.set_tokens(tokens.position.shape()[1]);
    return call("patch_embed", {v(pixels), out_.linear_weight(patch.weight), bias(patch.bias),
                                optional(tokens.cls), out_.parameter(tokens.position),
                                std::to_string(patch.patch)});
  }

  Value layer_norm(Value x, const Norm& n) override {
    return normed("layer_norm", x,
                  {out_.parameter(n.weight), out_.parameter(n.bias), python_float(n.eps)});
  }

  Value linear(Value x, const Linear& w) override {
    const std::string out = std::to_string(w.weight.shape()[0]);
    if (options_.precision != Precision::kInt8 || stays_in_bf16(w.weight)) {
      return call("linear", {v(x), out_.linear_weight(w.weight), bias(w.bias), out});
    }
    const auto names = out_.int8_weight(w.weight, smoothing(w.weight));
    return call("int8_linear",
                {v(x), names.weight, names.scales, names.inverse_smoothing, bias(w.bias), out});
  }

  Value attention(Value qkv, const Heads& heads, const Rope* rope) override {
    return call("attention", {v(qkv), std::to_string(heads.count), angles(rope), half()});
  }

  Value pool_attention(const Weight& query, const Linear& q, Value kv,
                       const Heads& heads) override {
    return call("pool_attention", {out_.parameter(query), out_.parameter(q.weight), bias(q.bias),
                                   v(kv), std::to_string(heads.count)});
  }

  Value gated_norm(Value gate_up, const Norm& n) override {
    return call("gated_norm", {v(gate_up), out_.parameter(n.weight), out_.parameter(n.bias),
                               python_float(n.eps)});
  }

  Value activation(Value x, Activation activation) override {
    switch (activation) {
      case Activation::kQuickGelu: return call("quick_gelu", {v(x)});
      case Activation::kGelu: return call("gelu", {v(x), "False"});
      case Activation::kGeluTanh: return call("gelu", {v(x), "True"});
    }
    return x;
  }

  // The sum is emitted only when it is read, because layer_norm() may emit both as one operator.
  Value add(Value a, Value b) override {
    const Value sum = out_.reserve();
    sums_.emplace(sum.id, std::pair{a, b});
    return sum;
  }

  Value select_token(Value x, int64_t token) override {
    return out_.emit(v(x) + ".select(1, " + std::to_string(token) + ")");
  }

  // Texts follow one another, without padding.
  Value tokens() override { return out_.emit(out_.input("input_ids")); }

  Value text_features() override { return out_.emit(out_.input("text_features")); }

  Value embed(Value tokens, const Weight& table) override {
    return call("embed", {v(tokens), out_.table(table)});
  }

  Value rms_norm(Value x, const RmsNorm& n) override {
    return normed("rms_norm", x, {out_.parameter(n.weight), python_float(n.eps)});
  }

  Value text_attention(Value qkv, const GroupedHeads& heads, const Rope& rope) override {
    return call("text_attention", {v(qkv), out_.input("offsets"), std::to_string(heads.count),
                                   std::to_string(heads.kv_count), angles(&rope), half()});
  }

  Value gate(Value gate_up) override { return call("gate", {v(gate_up)}); }

  Value text_mean(Value x) override {
    return call("text_mean", {v(x), out_.input("offsets"), out_.input("pooled")});
  }

  Value l2_normalize(Value x) override { return call("l2_normalize", {v(x)}); }

  BuildReport save(Value embedding, const std::string& path) override {
    v(embedding);
    return out_.save(embedding, path, /*frozen=*/false);
  }

 private:
  std::string v(Value value) override {
    if (const auto sum = sums_.extract(value.id); !sum.empty()) {
      const auto [a, b] = sum.mapped();
      out_.assign({value}, v(a) + " + " + v(b));
    }
    return ModuleWriter::text(value);
  }

  static std::string expression(const std::string& op, const std::vector<std::string>& arguments) {
    std::string list;
    for (const std::string& argument : arguments) list += (list.empty() ? "" : ", ") + argument;
    return "ops.llm2clip." + op + "(" + list + ")";
  }

  Value call(const std::string& op, const std::vector<std::string>& arguments) {
    return out_.emit(expression(op, arguments));
  }

  // A sum of the residual stream and a block's output is usually read by a norm, which then
  // computes both.
  Value normed(const std::string& op, Value x, const std::vector<std::string>& rest) {
    const auto sum = sums_.extract(x.id);
    std::vector<std::string> arguments;
    if (sum.empty()) {
      arguments = {v(x)};
    } else {
      arguments = {v(sum.mapped().first), v(sum.mapped().second)};
    }
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    if (sum.empty()) return call(op, arguments);
    const Value result = out_.reserve();
    out_.assign({x, result}, expression("add_" + op, arguments));
    return result;
  }

  std::string bias(const std::optional<Weight>& weight) {
    return weight ? out_.parameter_f32(*weight) : "None";
  }

  const LayerQuantisation* quantisation(const Weight& weight) const {
    const auto found = options_.quantisation.find(weight.first_name());
    return found == options_.quantisation.end() ? nullptr : &found->second;
  }

  bool stays_in_bf16(const Weight& weight) const {
    const auto* layer = quantisation(weight);
    return layer != nullptr && !layer->quantised;
  }

  std::vector<float> smoothing(const Weight& weight) const {
    const auto* layer = quantisation(weight);
    return layer == nullptr ? std::vector<float>{} : layer->smoothing;
  }

  // Whether weights are stored in 16 bits or fewer. The attention chooses its kernel by this.
  std::string half() const { return options_.precision == Precision::kFp32 ? "False" : "True"; }

  // Cosines, then sines: [2, N, dim].
  std::string angles(const Rope* rope) {
    if (rope == nullptr) return "None";
    return angles_.of(*rope, [&] {
      std::vector<float> both = rope->cos;
      both.insert(both.end(), rope->sin.begin(), rope->sin.end());
      return out_.buffer(both, {2, rope->tokens, rope->head_dim()});
    });
  }

  BuildOptions options_;
  std::map<int, std::pair<Value, Value>> sums_;
  PerRope<std::string> angles_;
};

}  // namespace

std::unique_ptr<Builder> native_builder(const BuildOptions& options) {
  return std::make_unique<NativeBuilder>(options);
}

}  // namespace llm2clip
