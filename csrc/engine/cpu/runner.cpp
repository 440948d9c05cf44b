#include "engine/cpu/runner.h"

#include <algorithm>

#include "base/error.h"
#include "base/float_convert.h"
#include "batch/packed_texts.h"
#include "ops/activation.h"
#include "ops/attention.h"
#include "ops/norms.h"
#include "ops/patches.h"
#include "ops/rows.h"

namespace llm2clip::cpu {
namespace {

std::vector<uint16_t> rounded(const float* numbers, int64_t count) {
  std::vector<uint16_t> result(static_cast<size_t>(count));
  from_float(numbers, Dtype::kBF16, reinterpret_cast<std::byte*>(result.data()), result.size());
  return result;
}

RowCounts counts_of(const Plan& plan, const BatchView& batch) {
  const int64_t inputs = count_of(batch);
  if (const auto* texts = std::get_if<Texts>(&batch)) {
    return {inputs, static_cast<int64_t>(texts->tokens().size()), 0};
  }
  return {inputs, inputs * plan.tokens, inputs * plan.patches_of_image()};
}

// The numbers of a batch that is not of texts.
const float* numbers_of(const BatchView& batch) {
  if (const auto* images = std::get_if<Images>(&batch)) return images->pixels;
  return std::get<Features>(batch).numbers;
}

// The first value that a step reads, or else the one that it writes.
struct FirstValue : IgnoresOtherFields {
  ValueId id;
  void reads(ValueId one) { id = id.place < 0 ? one : id; }
  void writes(ValueId one) { reads(one); }
  void reuses(ValueId, ValueId) {}
};

ValueId first_value(Step step) {
  FirstValue first;
  std::visit([&](auto& one) { one.visit(first); }, step);
  return first.id;
}

}  // namespace

Runner::Runner(const DataFile& file, Workers& workers)
    : file_(file),
      plan_(file.plan()),
      workers_(workers),
      compute_(compute_element(weight_type(plan_.precision))) {
  if (compute_ == Element::kF32) return;
  in_bf16_.resize(plan_.tensors.size());
  for (size_t i = 0; i < plan_.tensors.size(); ++i) {
    const PlanTensor& tensor = plan_.tensors[i];
    if (tensor.in_panels || tensor.shape.size() != 1) continue;
    in_bf16_[i] = rounded(f32(TensorId{static_cast<int32_t>(i)}), tensor.shape[0]);
  }
}

ConstMatrix Runner::embed(const BatchView& batch) {
  begin(plan_.embedding, embedding_, batch);
  for (const Step& step : plan_.embedding.steps) execute(step);
  return at(plan_.embedding.output);
}

ConstMatrix Runner::patches(const Images& images, std::optional<int64_t> layer) {
  const BatchView batch = images;
  begin(*plan_.patches, patches_, batch);
  int64_t next = 0;
  for (const Step& step : plan_.patches->steps) {
    execute(step);
    const auto* const state = std::get_if<HiddenStateStep>(&step);
    if (state != nullptr && next++ == layer) return at(state->tokens);
  }
  if (!layer) return at(plan_.patches->output);
  throw Error(ErrorCode::kEngineIncompatible, "expected a layer below " + std::to_string(next) +
                                                  ", found " + std::to_string(*layer));
}

void Runner::begin(const Program& program, Planned& planned, const BatchView& batch) {
  const RowCounts counts = counts_of(plan_, batch);
  if (planned.counts != counts) {
    planned.memory = plan_memory(plan_, program, counts, compute_);
    planned.bytes = planned.memory.room + room_of(program, counts);
    planned.counts = counts;
  }
  batch_ = &batch;
  planned_ = &planned;
  observed_ = 0;
  values_ = memory_.of(planned.bytes);
}

void Runner::execute(const Step& step) {
  if (step_observer_ != nullptr) step_observer_->begin();
  std::visit([this](const auto& one) { run(one); }, step);
  if (step_observer_ != nullptr) step_observer_->end(step, at(first_value(step)));
}

size_t Runner::room_of(const Program& program, const RowCounts& counts) const {
  size_t most = 0;
  for (const Step& step : program.steps) {
    const auto* const linear = std::get_if<LinearStep>(&step);
    if (linear == nullptr) continue;
    most = std::max(most, linear_room(weight_of(*linear), counts.of(plan_.at(linear->x).rows)));
  }
  return most;
}

Matrix Runner::at(ValueId id) {
  const PlanValue& value = plan_.at(id);
  const Element element = value.numbers == Numbers::kF32 ? Element::kF32 : compute_;
  const int64_t rows = planned_->counts.of(value.rows);
  if (id.place == 0 && plan_.input.kind != InputKind::kText) {
    // The input is only read.
    return {const_cast<float*>(numbers_of(*batch_)), element, rows, value.width};  // NOLINT
  }
  return {values_ + planned_->memory.offsets[static_cast<size_t>(id.place)], element, rows,
          value.width};
}

const float* Runner::f32(TensorId id) const {
  return reinterpret_cast<const float*>(file_.tensor(id));
}

// A tensor [n] in the type that is computed in.
const void* Runner::typed(TensorId id) const {
  if (compute_ == Element::kF32) return f32(id);
  return in_bf16_[static_cast<size_t>(id.place)].data();
}

LinearWeight Runner::weight_of(const LinearStep& s) const {
  const PlanTensor& weight = plan_.at(s.weight);
  const bool is_replaced = replacement_ != nullptr && replaced_.place == s.weight.place;
  return {.type = weight.type,
          .panels = is_replaced ? replacement_ : file_.tensor(s.weight),
          .out = weight.shape[0],
          .in = weight.shape[1],
          .bias = f32(s.bias),
          .scales = f32(s.scales),
          .inverse_smoothing = f32(s.inverse_smoothing)};
}

void Runner::run(const PatchesStep& s) {
  llm2clip::patches(workers_, at(s.pixels).as<float>(), plan_.input.shape[1], s.patch, at(s.out));
}

void Runner::run(const PatchTokensStep& s) {
  const ConstMatrix position{f32(s.position), Element::kF32, plan_.tokens, plan_.at(s.out).width};
  patch_tokens(workers_, {position, f32(s.cls)}, at(s.x), at(s.out));
}

void Runner::run(const LinearStep& s) {
  linear(workers_, weight_of(s), at(s.x), at(s.out), values_ + planned_->memory.room);
}

void Runner::run(const LayerNormStep& s) {
  layer_norm(workers_, {typed(s.weight), typed(s.bias), s.eps}, at(s.x), at(s.out));
}

void Runner::run(const AddLayerNormStep& s) {
  add_layer_norm(workers_, {typed(s.weight), typed(s.bias), s.eps}, at(s.x), at(s.y), at(s.sum),
                 at(s.out));
}

void Runner::run(const RmsNormStep& s) {
  rms_norm(workers_, {typed(s.weight), s.eps}, at(s.x), at(s.out));
}

void Runner::run(const AddRmsNormStep& s) {
  add_rms_norm(workers_, {typed(s.weight), s.eps}, at(s.x), at(s.y), at(s.sum), at(s.out));
}

void Runner::run(const GatedNormStep& s) {
  gated_norm(workers_, {typed(s.weight), typed(s.bias), s.eps}, at(s.x), at(s.out));
}

void Runner::run(const GateStep& s) { gate(workers_, at(s.x), at(s.out)); }

void Runner::run(const ActivationStep<Activation::kQuickGelu>& s) {
  quick_gelu(workers_, at(s.x), at(s.out));
}
void Runner::run(const ActivationStep<Activation::kGelu>& s) { gelu(workers_, at(s.x), at(s.out)); }
void Runner::run(const ActivationStep<Activation::kGeluTanh>& s) {
  gelu_tanh(workers_, at(s.x), at(s.out));
}

void Runner::run(const AttentionStep& s) {
  const float* const cos = f32(s.angles);
  const float* const sin = cos == nullptr ? nullptr : cos + plan_.tokens * s.dim;
  const bool half = plan_.precision != Precision::kFp32;
  attention(workers_, {plan_.tokens, s.heads, s.dim, cos, sin, half}, at(s.qkv), at(s.out));
}

void Runner::run(const TextAttentionStep& s) {
  const float* const cos = f32(s.angles);
  const float* const sin = cos + plan_.at(s.angles).shape[1] * s.dim;
  const bool half = plan_.precision != Precision::kFp32;
  text_attention(workers_, {s.heads, s.kv_heads, s.dim, cos, sin, half},
                 std::get<Texts>(*batch_).offsets, at(s.qkv), at(s.out));
}

void Runner::run(const PoolAttentionStep& s) {
  pool_attention(workers_, s.heads, f32(s.query), plan_.tokens, at(s.kv), at(s.out));
}

void Runner::run(const SecondHalfStep& s) {
  select_columns(workers_, at(s.x), plan_.at(s.out).width, at(s.out));
}

void Runner::run(const AddStep& s) { add(workers_, at(s.a), at(s.b), at(s.out)); }

void Runner::run(const SelectTokenStep& s) {
  select_token(workers_, at(s.x), plan_.tokens, s.token - 1, at(s.out));
}

void Runner::run(const EmbedStep& s) {
  const auto& texts = std::get<Texts>(*batch_);
  const PlanTensor& table = plan_.at(s.table);
  check_ids(texts, table.shape[0]);
  llm2clip::embed(workers_, file_.tensor(s.table), dtype_of(table.type), texts.tokens(), at(s.out));
}

void Runner::run(const TextMeanStep& s) {
  const auto& texts = std::get<Texts>(*batch_);
  text_mean(workers_, texts.offsets, texts.pooled, at(s.x), at(s.out));
}

void Runner::run(const L2NormalizeStep& s) { l2_normalize(workers_, at(s.x), at(s.out)); }

void Runner::run(const ObserveStep& s) {
  convert(workers_, at(s.x), at(s.out));
  if (observer_) observer_(observed_, at(s.out));
  ++observed_;
}

}  // namespace llm2clip::cpu
