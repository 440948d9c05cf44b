// The text form of a plan. Words are separated by single spaces, and each line ends with '\n'.
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "engine/cpu/plan.h"

namespace llm2clip::cpu {
namespace {

constexpr std::string_view kNone = "-";
constexpr std::string_view kInPanels = "panels";
constexpr std::string_view kInRows = "rows";

template <typename T>
using Names = std::pair<std::string_view, T>;

constexpr std::array kInputs{Names<InputKind>{"image", InputKind::kImage},
                             Names<InputKind>{"text", InputKind::kText},
                             Names<InputKind>{"feature", InputKind::kFeature}};
constexpr std::array kPrecisions{
    Names<Precision>{"fp32", Precision::kFp32}, Names<Precision>{"bf16", Precision::kBf16},
    Names<Precision>{"fp16", Precision::kFp16}, Names<Precision>{"int8", Precision::kInt8}};
constexpr std::array kTypes{
    Names<WeightType>{"f32", WeightType::kF32}, Names<WeightType>{"bf16", WeightType::kBf16},
    Names<WeightType>{"f16", WeightType::kF16}, Names<WeightType>{"int8", WeightType::kInt8}};
constexpr std::array kPlaces{Names<bool>{kInRows, false}, Names<bool>{kInPanels, true}};
constexpr std::array kRows{Names<Rows>{"input", Rows::kInput}, Names<Rows>{"patch", Rows::kPatch},
                           Names<Rows>{"token", Rows::kToken}};
constexpr std::array kNumbers{Names<Numbers>{"f32", Numbers::kF32},
                              Names<Numbers>{"compute", Numbers::kCompute}};

template <typename T, size_t N>
std::string_view name_in(const std::array<Names<T>, N>& names, T wanted) {
  for (const auto& [name, one] : names) {
    if (one == wanted) return name;
  }
  return {};
}

class Writer {
 public:
  Writer& word(std::string_view text) {
    if (!text_.empty() && text_.back() != '\n') text_ += ' ';
    text_ += text;
    return *this;
  }
  Writer& number(auto value) {
    std::array<char, 32> room{};
    const auto end = std::to_chars(room.data(), room.data() + room.size(), value).ptr;
    return word({room.data(), static_cast<size_t>(end - room.data())});
  }
  Writer& shape(const Shape& shape) {
    number(shape.size());
    for (const int64_t size : shape) number(size);
    return *this;
  }
  void end_line() { text_ += '\n'; }

  void reads(ValueId& id) { number(id.place); }
  void writes(ValueId& id) { number(id.place); }
  void tensor(TensorId& id) { number(id.place); }
  void tensor(OptionalTensor& id) { id ? number(id->place) : word(kNone); }
  void count(int64_t& value) { number(value); }
  void real(double& value) { number(value); }
  void reuses(ValueId&, ValueId&) {}

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void write_program(Writer& out, const Program& program) {
  out.number(program.steps.size()).end_line();
  for (Step step : program.steps) {
    std::visit(
        [&](auto& one) {
          out.word(one.kName);
          one.visit(out);
        },
        step);
    out.end_line();
  }
  out.word("output").number(program.output.place).end_line();
}

[[noreturn]] void refuse(std::string_view expected, std::string_view found) {
  throw Error(ErrorCode::kEngineIncompatible, "expected " + std::string(expected) +
                                                  " in the plan of an engine file, found " +
                                                  std::string(found.substr(0, 80)));
}

// Reads words in turn.
class Reader {
 public:
  explicit Reader(std::string_view text) : left_(text) {}

  std::string_view word() {
    const size_t end = std::min(left_.find_first_of(" \n"), left_.size());
    const std::string_view word = left_.substr(0, end);
    ends_line_ = end < left_.size() && left_[end] == '\n';
    left_.remove_prefix(std::min(end + 1, left_.size()));
    return word;
  }
  void expect(std::string_view wanted) {
    if (const std::string_view found = word(); found != wanted) refuse(wanted, found);
  }
  void end_line() {
    if (!ends_line_) refuse("the end of a line", left_);
  }
  void end() {
    if (!left_.empty()) refuse("nothing more", left_);
  }

  template <typename T>
  T number() {
    const std::string_view text = word();
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) refuse("a number", text);
    return value;
  }
  // The number of things that follow.
  size_t size(size_t most) {
    const auto size = number<size_t>();
    if (size > most) refuse("at most " + std::to_string(most) + " things", std::to_string(size));
    return size;
  }
  template <typename T, size_t N>
  T one_of(const std::array<Names<T>, N>& names) {
    const std::string_view found = word();
    for (const auto& [name, one] : names) {
      if (name == found) return one;
    }
    refuse("a word like " + std::string(names[0].first), found);
  }
  Shape shape() {
    Shape shape(size(kMostDimensions));
    for (int64_t& one : shape) one = number<int64_t>();
    return shape;
  }

  void reads(ValueId& id) { id.place = number<int32_t>(); }
  void writes(ValueId& id) { id.place = number<int32_t>(); }
  void tensor(TensorId& id) { id.place = number<int32_t>(); }
  void tensor(OptionalTensor& id) {
    if (left_.starts_with(kNone) && (left_.size() == 1 || left_[1] == ' ' || left_[1] == '\n')) {
      word();
      id.reset();
    } else {
      id = TensorId{number<int32_t>()};
    }
  }
  void count(int64_t& value) { value = number<int64_t>(); }
  void real(double& value) { value = number<double>(); }
  void reuses(ValueId&, ValueId&) {}

 private:
  std::string_view left_;
  bool ends_line_ = true;
};

template <size_t I = 0>
Step step_named(std::string_view name, Reader& in) {
  if constexpr (I == std::variant_size_v<Step>) {
    refuse("the name of a step", name);
  } else {
    std::variant_alternative_t<I, Step> step;
    if (step.kName != name) return step_named<I + 1>(name, in);
    step.visit(in);
    return step;
  }
}

Program read_program(Reader& in) {
  Program program;
  for (size_t left = in.size(kMostThings); left > 0; --left) {
    in.end_line();
    program.steps.push_back(step_named(in.word(), in));
  }
  in.end_line();
  in.expect("output");
  in.writes(program.output);
  in.end_line();
  return program;
}

}  // namespace

int64_t PlanTensor::bytes() const {
  if (!in_panels) return element_count(shape) * size_of(type);
  return linear_panels(shape[0]) * panel_bytes(type, shape[1]);
}

std::string to_text(const Plan& plan) {
  Writer out;
  out.word("input").word(name_in(kInputs, plan.input.kind)).shape(plan.input.shape).end_line();
  out.word("precision").word(name_in(kPrecisions, plan.precision)).end_line();
  out.word("tokens").number(plan.tokens).number(plan.first_patch).end_line();
  out.word("tensors").number(plan.tensors.size()).end_line();
  for (const PlanTensor& tensor : plan.tensors) {
    out.word(tensor.name).word(name_in(kTypes, tensor.type));
    out.word(name_in(kPlaces, tensor.in_panels)).number(tensor.offset).shape(tensor.shape);
    out.end_line();
  }
  out.word("values").number(plan.values.size()).end_line();
  for (const PlanValue& value : plan.values) {
    out.word(name_in(kRows, value.rows)).number(value.width).word(name_in(kNumbers, value.numbers));
    out.end_line();
  }
  write_program(out.word("embedding"), plan.embedding);
  if (plan.patches) write_program(out.word("patches"), *plan.patches);
  out.word("end").end_line();
  return out.take();
}

Plan plan_of(const std::string& text) {
  Reader in(text);
  Plan plan;
  in.expect("input");
  plan.input.kind = in.one_of(kInputs);
  plan.input.shape = in.shape();
  in.end_line(), in.expect("precision");
  plan.precision = in.one_of(kPrecisions);
  in.end_line(), in.expect("tokens");
  plan.tokens = in.number<int64_t>();
  plan.first_patch = in.number<int64_t>();
  in.end_line(), in.expect("tensors");
  for (size_t left = in.size(kMostThings); left > 0; --left) {
    in.end_line();
    PlanTensor tensor{.name = std::string(in.word()),
                      .type = in.one_of(kTypes),
                      .in_panels = in.one_of(kPlaces),
                      .shape = {}};
    tensor.offset = in.number<uint64_t>();
    tensor.shape = in.shape();
    plan.tensors.push_back(std::move(tensor));
  }
  in.end_line(), in.expect("values");
  for (size_t left = in.size(kMostThings); left > 0; --left) {
    in.end_line();
    const Rows rows = in.one_of(kRows);
    const auto width = in.number<int64_t>();
    plan.values.push_back({rows, width, in.one_of(kNumbers)});
  }
  in.end_line(), in.expect("embedding");
  plan.embedding = read_program(in);
  std::string_view next = in.word();
  if (next == "patches") {
    plan.patches = read_program(in);
    next = in.word();
  }
  if (next != "end") refuse("the end of the plan", next);
  in.end_line(), in.end();
  check(plan);
  return plan;
}

}  // namespace llm2clip::cpu
