#include "engine/cpu/cpu_builder.h"

#include <map>
#include <utility>

#include "engine/cpu/data_file.h"
#include "engine/cpu/plan.h"
#include "engine/cpu/tensor_store.h"
#include "engine/per_rope.h"

namespace llm2clip::cpu {
namespace {

// Each operation of net.h becomes one step. A sum and the norm that reads it become one step.
class CpuBuilder final : public Builder {
 public:
  explicit CpuBuilder(const BuildOptions& options)
      : options_(options), tensors_(options.precision) {
    plan_.input = options.input;
    plan_.precision = options.precision;
    if (options.input.kind != InputKind::kText) {
      value(Rows::kInput, element_count(options.input.shape), Numbers::kF32);
    }
  }

  Value pixels() override { return {0}; }
  Value text_features() override { return {0}; }
  Value tokens() override { return {kTextTokens}; }

  // Calibration only runs forward, so an observing engine needs no patches.
  bool begin_patches() override {
    in_patches_ = !options_.observe;
    return in_patches_;
  }

  void hidden_state(Value tokens) override {
    if (in_patches_) add_step(HiddenStateStep{ready(tokens)});
  }

  void end_patches(Value tokens) override {
    const ValueId output = ready(tokens);
    plan_.patches = Program{std::exchange(steps_, {}), output};
    in_patches_ = false;
  }

  Value patch_embed(Value pixels, const Conv& conv, const Tokens& tokens) override {
    const int64_t width = conv.weight.shape()[0];
    plan_.tokens = tokens.position.shape()[1];
    plan_.first_patch = tokens.cls ? 1 : 0;
    const ValueId cut = value(Rows::kPatch, 3 * conv.patch * conv.patch, Numbers::kCompute);
    add_step(PatchesStep{ready(pixels), cut, conv.patch});
    const ValueId embedded = value(Rows::kPatch, width, Numbers::kCompute);
    add_step(LinearStep{cut, embedded, tensors_.linear(conv.weight), f32(conv.bias), {}, {}});
    const ValueId stream = value(Rows::kToken, width, Numbers::kF32);
    add_step(PatchTokensStep{embedded, stream, f32(tokens.cls), tensors_.f32(tokens.position)});
    return named(stream);
  }

  Value layer_norm(Value x, const Norm& n) override {
    const TensorId weight = tensors_.f32(n.weight), bias = tensors_.f32(n.bias);
    if (const auto sum = fused_sum(x)) {
      const ValueId out = like(sum->sum, Numbers::kCompute);
      add_step(AddLayerNormStep{sum->x, sum->y, sum->sum, out, weight, bias, n.eps});
      return named(out);
    }
    const ValueId in = ready(x), out = like(in, Numbers::kCompute);
    add_step(LayerNormStep{in, out, weight, bias, n.eps});
    return named(out);
  }

  Value rms_norm(Value x, const RmsNorm& n) override {
    const TensorId weight = tensors_.f32(n.weight);
    if (const auto sum = fused_sum(x)) {
      const ValueId out = like(sum->sum, Numbers::kCompute);
      add_step(AddRmsNormStep{sum->x, sum->y, sum->sum, out, weight, n.eps});
      return named(out);
    }
    const ValueId in = ready(x), out = like(in, Numbers::kCompute);
    add_step(RmsNormStep{in, out, weight, n.eps});
    return named(out);
  }

  Value linear(Value x, const Linear& w) override {
    ValueId in = ready(x);
    if (options_.observe) {
      const ValueId seen = like(in, plan_.at(in).numbers);
      add_step(ObserveStep{in, seen});
      in = seen;
    }
    LinearStep step{in, of_width(in, w.weight.shape()[0]), {}, f32(w.bias), {}, {}};
    const LayerQuantisation* const layer = quantisation(w.weight);
    if (options_.precision != Precision::kInt8 || (layer != nullptr && !layer->quantised)) {
      step.weight = tensors_.linear(w.weight);
    } else {
      const auto int8 = tensors_.int8_linear(
          w.weight, layer == nullptr ? std::vector<float>{} : layer->smoothing);
      step.weight = int8.weight;
      step.scales = int8.scales;
      step.inverse_smoothing = int8.inverse_smoothing;
    }
    add_step(step);
    return named(step.out);
  }

  Value attention(Value qkv, const Heads& heads, const Rope* rope) override {
    const ValueId in = ready(qkv), out = of_width(in, heads.count * heads.dim);
    const OptionalTensor angles = rope == nullptr ? OptionalTensor() : angles_of(*rope);
    add_step(AttentionStep{in, out, heads.count, heads.dim, angles});
    return named(out);
  }

  Value text_attention(Value qkv, const GroupedHeads& heads, const Rope& rope) override {
    const ValueId in = ready(qkv), out = of_width(in, heads.count * heads.dim);
    add_step(TextAttentionStep{in, out, heads.count, heads.kv_count, heads.dim, angles_of(rope)});
    return named(out);
  }

  // The query is the same for all images, so it is projected here.
  Value pool_attention(const Weight& query, const Linear& q, Value kv,
                       const Heads& heads) override {
    const ValueId in = ready(kv),
                  out = value(Rows::kInput, heads.count * heads.dim, Numbers::kCompute);
    const TensorId projected = tensors_.projected(query, q);
    add_step(PoolAttentionStep{in, out, projected, heads.count});
    return named(out);
  }

  // For a single token softmax gives 1, so the result is its value.
  Value pool_attention_alone(Value kv) override {
    const ValueId in = ready(kv), out = of_width(in, plan_.at(in).width / 2);
    add_step(SecondHalfStep{in, out});
    return named(out);
  }

  Value gated_norm(Value gate_up, const Norm& n) override {
    const ValueId in = ready(gate_up), out = of_width(in, plan_.at(in).width / 2);
    add_step(GatedNormStep{in, out, tensors_.f32(n.weight), tensors_.f32(n.bias), n.eps});
    return named(out);
  }

  Value gate(Value gate_up) override {
    const ValueId in = ready(gate_up), out = of_width(in, plan_.at(in).width / 2);
    add_step(GateStep{in, out});
    return named(out);
  }

  Value activation(Value x, Activation activation) override {
    const ValueId in = ready(x), out = like(in, Numbers::kCompute);
    switch (activation) {
      case Activation::kQuickGelu: add_step(ActivationStep<Activation::kQuickGelu>{in, out}); break;
      case Activation::kGelu: add_step(ActivationStep<Activation::kGelu>{in, out}); break;
      case Activation::kGeluTanh: add_step(ActivationStep<Activation::kGeluTanh>{in, out}); break;
    }
    return named(out);
  }

  // The step is added only when the sum is read, because a norm may compute both.
  Value add(Value a, Value b) override {
    const ValueId x = ready(a), y = ready(b), sum = like(x, Numbers::kF32);
    sums_.emplace(sum.place, Sum{x, y, sum});
    return named(sum);
  }

  Value select_token(Value x, int64_t token) override {
    const ValueId in = ready(x);
    if (plan_.at(in).rows == Rows::kInput) return named(in);  // the only token, after a pooling
    const ValueId out = value(Rows::kInput, plan_.at(in).width, plan_.at(in).numbers);
    add_step(SelectTokenStep{in, out, token + 1});
    return named(out);
  }

  Value embed(Value, const Weight& table) override {
    const ValueId out = value(Rows::kToken, table.shape()[1], Numbers::kF32);
    add_step(EmbedStep{out, tensors_.table(table)});
    return named(out);
  }

  Value text_mean(Value x) override {
    const ValueId in = ready(x), out = value(Rows::kInput, plan_.at(in).width, Numbers::kF32);
    add_step(TextMeanStep{in, out});
    return named(out);
  }

  Value l2_normalize(Value x) override {
    const ValueId in = ready(x), out = like(in, Numbers::kF32);
    add_step(L2NormalizeStep{in, out});
    return named(out);
  }

  BuildReport save(Value embedding, const std::string& path) override {
    plan_.embedding.output = ready(embedding);
    plan_.embedding.steps = steps_;
    plan_.tensors = tensors_.tensors();
    check(plan_);
    write_data_file(path, plan_, [this](size_t i) { return tensors_.bytes(i); });
    return {tensors_.parameters()};
  }

 private:
  struct Sum {
    ValueId x, y, sum;
  };

  // tokens() has no place among the values: the steps that read the ids take them from the batch.
  static constexpr int kTextTokens = -1;

  static Value named(ValueId id) { return {id.place}; }

  ValueId value(Rows rows, int64_t width, Numbers numbers) {
    plan_.values.push_back({rows, width, numbers});
    return {static_cast<int32_t>(plan_.values.size() - 1)};
  }
  ValueId like(ValueId other, Numbers numbers) {
    return value(plan_.at(other).rows, plan_.at(other).width, numbers);
  }
  ValueId of_width(ValueId other, int64_t width) {
    return value(plan_.at(other).rows, width, Numbers::kCompute);
  }

  void add_step(const Step& step) { steps_.push_back(step); }

  // The value that a step is about to read.
  ValueId ready(Value read) {
    if (const auto sum = sums_.extract(read.id); !sum.empty()) {
      const auto [x, y, out] = sum.mapped();
      add_step(AddStep{x, y, out});
    }
    return {read.id};
  }

  // The sum that a norm is about to read, if the norm can compute it: it adds what is computed to
  // the residual stream, which is in f32.
  std::optional<Sum> fused_sum(Value read) {
    const auto found = sums_.find(read.id);
    if (found == sums_.end()) return std::nullopt;
    Sum sum = found->second;
    if (plan_.at(sum.x).numbers != Numbers::kF32) std::swap(sum.x, sum.y);
    const bool fits =
        plan_.at(sum.x).numbers == Numbers::kF32 && plan_.at(sum.y).numbers == Numbers::kCompute;
    if (!fits) return std::nullopt;
    sums_.erase(found);
    return sum;
  }

  OptionalTensor f32(const std::optional<Weight>& weight) {
    return weight ? OptionalTensor(tensors_.f32(*weight)) : OptionalTensor();
  }

  // Cosines, then sines: [2, N, dim].
  TensorId angles_of(const Rope& rope) {
    return angles_.of(rope, [&] {
      std::vector<float> both = rope.cos;
      both.insert(both.end(), rope.sin.begin(), rope.sin.end());
      return tensors_.constant("angles", std::move(both), {2, rope.tokens, rope.head_dim()});
    });
  }

  const LayerQuantisation* quantisation(const Weight& weight) const {
    const auto found = options_.quantisation.find(weight.first_name());
    return found == options_.quantisation.end() ? nullptr : &found->second;
  }

  BuildOptions options_;
  TensorStore tensors_;
  Plan plan_;
  std::vector<Step> steps_;  // of the program under construction
  std::map<int, Sum> sums_;  // that no step has computed yet, by value
  PerRope<TensorId> angles_;
  bool in_patches_ = false;
};

}  // namespace

std::unique_ptr<Builder> cpu_builder(const BuildOptions& options) {
  return std::make_unique<CpuBuilder>(options);
}

}  // namespace llm2clip::cpu
