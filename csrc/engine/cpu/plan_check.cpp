// Checks that no run of a plan, whatever its file says, reads or writes outside its memory.
#include <limits>
#include <string>
#include <string_view>

#include "base/error.h"
#include "engine/cpu/plan.h"

namespace llm2clip::cpu {
namespace {

// Far more than any network has. The product of any four stays below 2^63.
constexpr int64_t kMostWidth = 1 << 24;
constexpr int64_t kMostTokens = 1 << 20;

void require(bool holds, const std::string& what) {
  if (holds) return;
  throw Error(ErrorCode::kEngineIncompatible,
              "expected an engine file whose steps fit together, found " + what +
                  "; convert the checkpoint again with `npx llm2clip convert --force`");
}

// Checks the indexes of a step: they exist, and values are read after they are written.
class Indexes {
 public:
  explicit Indexes(const Plan& plan) : plan_(plan), written_(plan.values.size()) {
    if (plan.input.kind != InputKind::kText) written_.at(0) = true;
  }

  void reads(ValueId id) {
    require(exists(id.place, plan_.values.size()) && written_[place(id.place)],
            "a value that is read before it is written");
  }
  void writes(ValueId id) {
    require(exists(id.place, plan_.values.size()) && !written_[place(id.place)],
            "a value that is written twice");
    written_[place(id.place)] = true;
  }
  void tensor(TensorId id) const {
    require(exists(id.place, plan_.tensors.size()), "a tensor that is not there");
  }
  void tensor(const OptionalTensor& id) const {
    if (id) tensor(*id);
  }
  void count(int64_t value) const {
    require(value > 0 && value <= kMostWidth, "a count of " + std::to_string(value));
  }
  void real(double value) const {
    require(value >= 0 && value <= 1, "an epsilon of " + std::to_string(value));
  }
  void reuses(ValueId, ValueId) const {}

 private:
  static size_t place(int32_t index) { return static_cast<size_t>(index); }
  static bool exists(int32_t index, size_t count) { return index >= 0 && place(index) < count; }

  const Plan& plan_;
  std::vector<bool> written_;
};

// Checks the sizes of a step's values and tensors, whose indexes exist.
class Sizes {
 public:
  explicit Sizes(const Plan& plan) : plan_(plan) {}

  template <typename One>
  void check_step(const One& step) {
    step_ = One::kName;
    check(step);
  }

 private:
  void check(const PatchesStep& s) const {
    require(plan_.input.kind == InputKind::kImage && s.pixels.place == 0, "patches of no image");
    const int64_t grid = plan_.input.shape[1] / s.patch;
    require(grid * grid == plan_.patches_of_image(), "another number of patches than stated");
    is(s.out, Rows::kPatch, 3 * s.patch * s.patch, Numbers::kCompute);
  }
  void check(const PatchTokensStep& s) const {
    const int64_t width = plan_.at(s.x).width;
    is(s.x, Rows::kPatch, width, Numbers::kCompute);
    is(s.out, Rows::kToken, width, Numbers::kF32);
    is(s.position, {plan_.tokens, width});
    require(plan_.first_patch == (s.cls ? 1 : 0), "another number of class tokens than stated");
    if (s.cls) is(*s.cls, {width});
  }
  void check(const LinearStep& s) const {
    const PlanTensor& weight = plan_.at(s.weight);
    require(weight.in_panels, "a linear layer without panels");
    const int64_t out = weight.shape[0], in = weight.shape[1];
    is(s.x, plan_.at(s.x).rows, in, Numbers::kCompute);
    is(s.out, plan_.at(s.x).rows, out, Numbers::kCompute);
    if (s.bias) is(*s.bias, {out});
    require(s.scales.has_value() == (weight.type == WeightType::kInt8), "scales out of place");
    if (s.scales) is(*s.scales, {out});
    if (s.inverse_smoothing) {
      require(s.scales.has_value(), "a smoothing out of place");
      is(*s.inverse_smoothing, {in});
    }
  }
  void check(const LayerNormStep& s) const { is_norm(s.x, s.out, {s.weight, s.bias}); }
  void check(const AddLayerNormStep& s) const {
    is_sum(s.x, s.y, s.sum);
    is_norm(s.sum, s.out, {s.weight, s.bias});
  }
  void check(const RmsNormStep& s) const {
    is_f32(s.x);
    is_norm(s.x, s.out, {s.weight});
  }
  void check(const AddRmsNormStep& s) const {
    is_sum(s.x, s.y, s.sum);
    is_norm(s.sum, s.out, {s.weight});
  }
  void check(const GatedNormStep& s) const {
    is_half(s.x, s.out);
    const int64_t width = plan_.at(s.out).width;
    is(s.weight, {width});
    is(s.bias, {width});
  }
  void check(const GateStep& s) const { is_half(s.x, s.out); }
  template <Activation kActivation>
  void check(const ActivationStep<kActivation>& s) const {
    is(s.x, plan_.at(s.x).rows, plan_.at(s.x).width, Numbers::kCompute);
    is_like(s.out, s.x);
  }
  void check(const AttentionStep& s) const {
    require(plan_.input.kind == InputKind::kImage, "an attention of images without images");
    is(s.qkv, Rows::kToken, 3 * s.heads * s.dim, Numbers::kCompute);
    is(s.out, Rows::kToken, s.heads * s.dim, Numbers::kCompute);
    if (s.angles) is_angles(*s.angles, plan_.tokens, s.dim);
  }
  void check(const TextAttentionStep& s) const {
    require(plan_.input.kind == InputKind::kText, "an attention of texts without texts");
    require(s.heads % s.kv_heads == 0, "heads that cannot share keys and values");
    is(s.qkv, Rows::kToken, (s.heads + 2 * s.kv_heads) * s.dim, Numbers::kCompute);
    is(s.out, Rows::kToken, s.heads * s.dim, Numbers::kCompute);
    is_angles(s.angles, plan_.input.most_tokens(), s.dim);
  }
  void check(const PoolAttentionStep& s) const {
    require(plan_.input.kind == InputKind::kImage, "an attention of images without images");
    is(s.out, Rows::kInput, plan_.at(s.out).width, Numbers::kCompute);
    is(s.kv, Rows::kToken, 2 * plan_.at(s.out).width, Numbers::kCompute);
    is(s.query, {plan_.at(s.out).width});
    require(plan_.at(s.out).width % s.heads == 0, "heads of unequal widths");
  }
  void check(const SecondHalfStep& s) const { is_half(s.x, s.out); }
  void check(const AddStep& s) const {
    require(plan_.at(s.a).rows == plan_.at(s.b).rows && plan_.at(s.a).width == plan_.at(s.b).width,
            "a sum of unlike values");
    is(s.out, plan_.at(s.a).rows, plan_.at(s.a).width, Numbers::kF32);
  }
  void check(const SelectTokenStep& s) const {
    require(plan_.input.kind == InputKind::kImage && s.token <= plan_.tokens,
            "a token that is not there");
    is(s.x, Rows::kToken, plan_.at(s.x).width, plan_.at(s.x).numbers);
    is(s.out, Rows::kInput, plan_.at(s.x).width, plan_.at(s.x).numbers);
  }
  void check(const EmbedStep& s) const {
    require(plan_.input.kind == InputKind::kText, "an embedding of no text");
    const PlanTensor& table = plan_.at(s.table);
    require(!table.in_panels && table.shape.size() == 2, "a table of another kind");
    is(s.out, Rows::kToken, table.shape[1], Numbers::kF32);
  }
  void check(const TextMeanStep& s) const {
    require(plan_.input.kind == InputKind::kText, "a mean over no text");
    is(s.x, Rows::kToken, plan_.at(s.x).width, Numbers::kCompute);
    is(s.out, Rows::kInput, plan_.at(s.x).width, Numbers::kF32);
  }
  void check(const L2NormalizeStep& s) const {
    is_f32(s.x);
    is_like(s.out, s.x);
  }
  void check(const ObserveStep& s) const { is_like(s.out, s.x); }
  void check(const HiddenStateStep& s) const {
    is(s.tokens, Rows::kToken, plan_.at(s.tokens).width, plan_.at(s.tokens).numbers);
  }

  void is(ValueId id, Rows rows, int64_t width, Numbers numbers) const {
    const PlanValue& value = plan_.at(id);
    require(value.rows == rows && value.width == width && value.numbers == numbers,
            "a value of another size in a step " + std::string(step_));
  }
  // A tensor in f32 of this shape.
  void is(TensorId id, const Shape& shape) const {
    const PlanTensor& tensor = plan_.at(id);
    require(!tensor.in_panels && tensor.type == WeightType::kF32 && tensor.shape == shape,
            "tensor " + tensor.name + " of another kind or shape");
  }
  void is_f32(ValueId id) const { is(id, plan_.at(id).rows, plan_.at(id).width, Numbers::kF32); }
  void is_like(ValueId id, ValueId other) const {
    is(id, plan_.at(other).rows, plan_.at(other).width, plan_.at(other).numbers);
  }
  void is_angles(TensorId id, int64_t tokens, int64_t dim) const {
    require(dim % 2 == 0, "a rotary embedding of an odd number of numbers");
    is(id, {2, tokens, dim});
  }
  void is_sum(ValueId x, ValueId y, ValueId sum) const {
    is_f32(x);
    is(y, plan_.at(x).rows, plan_.at(x).width, Numbers::kCompute);
    is_like(sum, x);
  }
  void is_norm(ValueId x, ValueId out, std::initializer_list<TensorId> weights) const {
    is(out, plan_.at(x).rows, plan_.at(x).width, Numbers::kCompute);
    for (const TensorId weight : weights) is(weight, {plan_.at(x).width});
  }
  // x [2H], both halves side by side → out [H]
  void is_half(ValueId x, ValueId out) const {
    const int64_t half = plan_.at(out).width;
    is(out, plan_.at(x).rows, half, Numbers::kCompute);
    is(x, plan_.at(x).rows, 2 * half, Numbers::kCompute);
  }

  const Plan& plan_;
  std::string_view step_;
};

void check_program(const Plan& plan, const Program& program, Rows output) {
  require(program.steps.size() <= kMostThings, "more steps than any network has");
  Indexes indexes(plan);
  Sizes sizes(plan);
  for (Step step : program.steps) {
    std::visit(
        [&](auto& one) {
          one.visit(indexes);
          sizes.check_step(one);
        },
        step);
  }
  indexes.reads(program.output);
  require(plan.at(program.output).rows == output, "an output of another kind");
}

size_t dimensions_of(InputKind kind) { return kind == InputKind::kImage ? 3 : 1; }

void check_input(const Plan& plan) {
  const Shape& shape = plan.input.shape;
  require(shape.size() == dimensions_of(plan.input.kind), "an input of another shape");
  for (const int64_t size : shape) require(size > 0 && size <= kMostTokens, "an input of no size");
  require(plan.tokens > 0 && plan.tokens <= kMostTokens, "an odd number of tokens");
  require(plan.first_patch >= 0 && plan.first_patch < plan.tokens, "no patches");
  if (plan.input.kind == InputKind::kText) return;
  if (plan.input.kind == InputKind::kImage) {
    require(shape[0] == 3 && shape[1] == shape[2], "an input that is no image");
  }
  require(!plan.values.empty(), "no value for the input");
  const PlanValue& value = plan.values[0];
  require(value.rows == Rows::kInput && value.width == element_count(shape) &&
              value.numbers == Numbers::kF32,
          "an input of another size");
}

// Kernels take the type of a weight as a sign of the type that is computed in.
bool has_type_of_file(const PlanTensor& tensor, Precision precision) {
  if (tensor.type == stored_type(precision)) return true;
  return tensor.type == (tensor.in_panels ? weight_type(precision) : WeightType::kF32);
}

void check_tensor(const PlanTensor& tensor, Precision precision) {
  require(!tensor.shape.empty() && tensor.shape.size() <= kMostDimensions,
          "tensor " + tensor.name + " of " + std::to_string(tensor.shape.size()) + " dimensions");
  int64_t numbers = 1;
  for (const int64_t size : tensor.shape) {
    require(size > 0 && size <= kMostWidth && numbers <= std::numeric_limits<int32_t>::max() * 64LL,
            "tensor " + tensor.name + " " + to_string(tensor.shape));
    numbers *= size;
  }
  const bool is_matrix = tensor.in_panels || tensor.type != WeightType::kF32;
  require(has_type_of_file(tensor, precision) && (!is_matrix || tensor.shape.size() == 2),
          "tensor " + tensor.name + " of another kind");
}

}  // namespace

void check(const Plan& plan) {
  require(plan.tensors.size() <= kMostThings && plan.values.size() <= kMostThings,
          "more values or tensors than any network has");
  check_input(plan);
  for (const PlanTensor& tensor : plan.tensors) check_tensor(tensor, plan.precision);
  for (const PlanValue& value : plan.values) {
    require(value.width > 0 && value.width <= 3 * kMostWidth, "a value without width");
  }
  check_program(plan, plan.embedding, Rows::kInput);
  if (!plan.patches) return;
  require(plan.input.kind == InputKind::kImage, "patches of no image");
  check_program(plan, *plan.patches, Rows::kToken);
}

}  // namespace llm2clip::cpu
