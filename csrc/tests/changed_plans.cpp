#include "tests/changed_plans.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace llm2clip::testing {
namespace {

using cpu::OptionalTensor;
using cpu::Plan;
using cpu::PlanTensor;
using cpu::PlanValue;
using cpu::Program;
using cpu::Step;
using cpu::TensorId;
using cpu::ValueId;

// Plans above these sizes would take too long to run by the thousand.
constexpr int64_t kMostBytes = 1 << 21, kMostWidth = 5000, kMostPixels = 30'000, kMostTokens = 200;

// The fields of a step, in their order.
struct Fields {
  std::vector<ValueId> read, written;
  std::vector<OptionalTensor> tensors;
  std::vector<int64_t> counts;
};

struct Collector {
  Fields fields;
  void reads(ValueId id) { fields.read.push_back(id); }
  void writes(ValueId id) { fields.written.push_back(id); }
  void tensor(const OptionalTensor& id) { fields.tensors.push_back(id); }
  void count(int64_t value) { fields.counts.push_back(value); }
  void real(double) {}
  void reuses(ValueId, ValueId) {}
};

class Change {
 public:
  Change(Plan& plan, std::mt19937& dice)
      : plan_(plan),
        dice_(dice),
        program_(plan.patches && below(3) == 0 ? *plan.patches : plan.embedding) {}

  void make() {
    switch (below(13)) {
      case 0:
      case 1: return change_width_everywhere();
      case 2: return change_value();
      case 3: return change_tensor();
      case 4:
      case 5: return change_field();
      case 6: return swap_steps();
      case 7: return remove_step();
      case 8: return repeat_step();
      case 9: return rename_step();
      case 10: return insert_step();
      case 11: return change_precision();
      default: return change_input();
    }
  }

 private:
  size_t below(size_t limit) { return limit == 0 ? 0 : dice_() % limit; }

  // A number that stands in the plan, or its neighbour, multiple or part, or a small one.
  int64_t number() {
    int64_t one = static_cast<int64_t>(1 + below(70));
    if (below(3) == 0 && !plan_.values.empty()) one = any_value().width;
    if (below(3) == 0 && !plan_.tensors.empty()) {
      const auto& shape = plan_.tensors[below(plan_.tensors.size())].shape;
      one = shape[below(shape.size())];
    }
    switch (below(6)) {
      case 0: return one + 1;
      case 1: return std::max<int64_t>(1, one - 1);
      case 2: return one * static_cast<int64_t>(2 + below(3));
      case 3: return std::max<int64_t>(1, one / static_cast<int64_t>(2 + below(3)));
      default: return one;
    }
  }
  PlanValue& any_value() { return plan_.values[below(plan_.values.size())]; }
  ValueId any_id() { return {static_cast<int32_t>(below(plan_.values.size()))}; }
  TensorId any_tensor() { return {static_cast<int32_t>(below(plan_.tensors.size()))}; }
  size_t any_step() { return below(program_.steps.size()); }
  ValueId new_value() {
    PlanValue value = any_value();
    if (below(3) == 0) value.width = number();
    if (below(3) == 0) value.rows = static_cast<cpu::Rows>(below(3));
    if (below(3) == 0) value.numbers = static_cast<cpu::Numbers>(below(2));
    plan_.values.push_back(value);
    return {static_cast<int32_t>(plan_.values.size() - 1)};
  }
  TensorId new_tensor() {
    PlanTensor tensor = plan_.at(any_tensor());
    tensor.name += "." + std::to_string(plan_.tensors.size());
    for (int64_t& size : tensor.shape) size = below(2) == 0 ? number() : size;
    plan_.tensors.push_back(tensor);
    return {static_cast<int32_t>(plan_.tensors.size() - 1)};
  }

  template <typename Visitor>
  static void visit(Step& step, Visitor& visitor) {
    std::visit([&](auto& one) { one.visit(visitor); }, step);
  }

  struct CountChange {
    int64_t from, to;
    void reads(ValueId) {}
    void writes(ValueId) {}
    void tensor(const OptionalTensor&) {}
    void count(int64_t& value) { value = value == from ? to : value; }
    void real(double) {}
    void reuses(ValueId, ValueId) {}
  };

  // Changes a width with its multiples, such as those of queries, keys and values in one matrix.
  void change_width_everywhere() {
    const int64_t from = any_value().width, to = number();
    const auto change = [&](int64_t& size) {
      for (const int64_t factor : {1, 2, 3}) {
        if (size == factor * from) {
          size = factor * to;
          return;
        }
      }
    };
    for (PlanValue& value : plan_.values) change(value.width);
    for (PlanTensor& tensor : plan_.tensors) std::ranges::for_each(tensor.shape, change);
    for (int64_t& size : plan_.input.shape) size = size == from ? to : size;
    CountChange counts{from, to};
    for (Step& step : program_.steps) visit(step, counts);
    if (below(2) == 0) return;
    // Heads of another size.
    for (Step& step : program_.steps) {
      if (auto* const one = std::get_if<cpu::AttentionStep>(&step)) one->dim = to / one->heads;
      if (auto* const one = std::get_if<cpu::TextAttentionStep>(&step)) one->dim = to / one->heads;
    }
  }

  void change_value() {
    PlanValue& value = any_value();
    switch (below(3)) {
      case 0: value.width = number(); break;
      case 1: value.rows = static_cast<cpu::Rows>(below(3)); break;
      default: value.numbers = static_cast<cpu::Numbers>(below(2));
    }
  }

  void change_tensor() {
    PlanTensor& tensor = plan_.tensors[below(plan_.tensors.size())];
    switch (below(4)) {
      case 0: tensor.type = static_cast<WeightType>(below(4)); break;
      case 1: tensor.in_panels = !tensor.in_panels; break;
      case 2: tensor.shape[below(tensor.shape.size())] = number(); break;
      default: std::ranges::reverse(tensor.shape);
    }
  }

  struct FieldChange {
    Change& change;
    size_t left;  // the number of fields before the one to change
    bool is_next() { return left-- == 0; }
    void reads(ValueId& id) { id = is_next() ? change.any_id() : id; }
    void writes(ValueId& id) { id = is_next() ? change.new_value() : id; }
    void tensor(TensorId& id) {
      if (is_next()) id = change.below(2) == 0 ? change.new_tensor() : change.any_tensor();
    }
    void tensor(OptionalTensor& id) {
      if (!is_next()) return;
      id = id ? OptionalTensor() : OptionalTensor(change.any_tensor());
    }
    void count(int64_t& value) { value = is_next() ? change.number() : value; }
    void real(double& value) { value = is_next() ? static_cast<double>(change.below(2)) : value; }
    void reuses(ValueId, ValueId) {}
  };

  void change_field() {
    if (program_.steps.empty() || below(20) == 0) {
      program_.output = any_id();
      return;
    }
    FieldChange change{*this, below(6)};
    visit(program_.steps[any_step()], change);
  }

  void swap_steps() {
    if (program_.steps.empty()) return;
    std::swap(program_.steps[any_step()], program_.steps[any_step()]);
  }

  // Whoever read its result reads its input instead.
  void remove_step() {
    if (program_.steps.empty()) return;
    const size_t place = any_step();
    Collector removed;
    visit(program_.steps[place], removed);
    program_.steps.erase(program_.steps.begin() + static_cast<std::ptrdiff_t>(place));
    if (removed.fields.read.empty() || removed.fields.written.empty()) return;
    redirect(removed.fields.written.back(), removed.fields.read.front(), place);
  }

  struct Redirection {
    ValueId from, to;
    void reads(ValueId& id) { id = id.place == from.place ? to : id; }
    void writes(ValueId) {}
    void tensor(const OptionalTensor&) {}
    void count(int64_t) {}
    void real(double) {}
    void reuses(ValueId, ValueId) {}
  };
  // From a step on, all read `to` instead of `from`.
  void redirect(ValueId from, ValueId to, size_t first) {
    Redirection redirection{from, to};
    for (size_t i = first; i < program_.steps.size(); ++i) visit(program_.steps[i], redirection);
    redirection.reads(program_.output);
  }

  struct NewResults {
    Change& change;
    std::vector<std::pair<ValueId, ValueId>> results;
    void reads(ValueId) {}
    void writes(ValueId& id) {
      Plan& plan = change.plan_;
      plan.values.push_back(PlanValue(plan.at(id)));
      const ValueId made{static_cast<int32_t>(plan.values.size() - 1)};
      results.emplace_back(std::exchange(id, made), made);
    }
    void tensor(const OptionalTensor&) {}
    void count(int64_t) {}
    void real(double) {}
    void reuses(ValueId, ValueId) {}
  };

  // A step runs again later, on its old input, with results of its own, which others may read.
  void repeat_step() {
    if (program_.steps.empty()) return;
    const size_t from = any_step(), to = from + 1 + below(program_.steps.size() - from);
    Step step = program_.steps[from];
    NewResults results{*this, {}};
    visit(step, results);
    program_.steps.insert(program_.steps.begin() + static_cast<std::ptrdiff_t>(to), step);
    if (below(2) == 0) return;
    for (const auto& [old, made] : results.results) redirect(old, made, to + 1);
  }

  // Fills a step with the fields of another one and, after these, with drawn ones.
  struct Filler {
    Change& change;
    Fields fields;
    template <typename T, typename Draw>
    static T take(std::vector<T>& all, const Draw& draw) {
      if (all.empty()) return draw();
      const T first = all.front();
      all.erase(all.begin());
      return first;
    }
    void reads(ValueId& id) {
      id = take(fields.read, [&] { return change.any_id(); });
    }
    void writes(ValueId& id) {
      id = take(fields.written, [&] { return change.new_value(); });
    }
    void tensor(TensorId& id) {
      OptionalTensor one;
      tensor(one);
      id = one ? *one : change.any_tensor();
    }
    void tensor(OptionalTensor& id) {
      const auto draw = [&] { return OptionalTensor(change.any_tensor()); };
      id = take(fields.tensors, draw);
    }
    void count(int64_t& value) {
      value = take(fields.counts, [&] { return change.number(); });
    }
    void real(double& value) { value = 1e-6; }
    void reuses(ValueId, ValueId) {}
  };

  template <size_t I = 0>
  static Step step_of_kind(size_t kind) {
    if constexpr (I + 1 < std::variant_size_v<Step>) {
      if (kind != I) return step_of_kind<I + 1>(kind);
    }
    return std::variant_alternative_t<I, Step>{};
  }

  // Another operation on the same values.
  void rename_step() {
    if (program_.steps.empty()) return;
    Step& step = program_.steps[any_step()];
    Collector old;
    visit(step, old);
    step = step_of_kind(below(std::variant_size_v<Step>));
    Filler filler{*this, old.fields};
    visit(step, filler);
  }

  void insert_step() {
    const size_t place = below(program_.steps.size() + 1);
    Step step = step_of_kind(below(std::variant_size_v<Step>));
    Filler filler{*this, {}};
    visit(step, filler);
    program_.steps.insert(program_.steps.begin() + static_cast<std::ptrdiff_t>(place), step);
  }

  void change_precision() {
    const WeightType old = cpu::weight_type(plan_.precision);
    plan_.precision = static_cast<Precision>(below(4));
    if (below(4) == 0) return;
    for (PlanTensor& tensor : plan_.tensors) {
      if (tensor.type == old && (tensor.in_panels || tensor.shape.size() == 2)) {
        tensor.type = cpu::weight_type(plan_.precision);
      }
    }
  }

  void change_input() {
    switch (below(4)) {
      case 0: plan_.tokens = number(); break;
      case 1: plan_.first_patch = static_cast<int64_t>(below(3)); break;
      case 2: plan_.input.kind = static_cast<InputKind>(below(3)); break;
      default: change_size();
    }
  }

  // An image, or a text, of another size, with position embeddings and angles that fit.
  void change_size() {
    const int64_t size = static_cast<int64_t>(1 + below(24)), old = plan_.tokens;
    if (plan_.input.kind == InputKind::kText) {
      const int64_t from = std::exchange(plan_.input.shape[0], size);
      return change_tokens(from, size);
    }
    if (plan_.input.kind != InputKind::kImage) return;
    plan_.input.shape = {3, size, size};
    plan_.values[0].width = element_count(plan_.input.shape);
    for (const Step& step : program_.steps) {
      const auto* const patches = std::get_if<cpu::PatchesStep>(&step);
      if (patches == nullptr) continue;
      const int64_t grid = size / patches->patch;
      plan_.tokens = grid * grid + plan_.first_patch;
    }
    change_tokens(old, plan_.tokens);
  }
  void change_tokens(int64_t from, int64_t to) {
    for (PlanTensor& tensor : plan_.tensors) {
      if (tensor.shape.size() == 3) tensor.shape[1] = to;
      if (tensor.shape.size() == 2 && !tensor.in_panels && tensor.shape[0] == from) {
        tensor.shape[0] = to;
      }
    }
  }

  Plan& plan_;
  std::mt19937& dice_;
  Program& program_;
};

bool is_accepted(const Plan& plan) {
  try {
    cpu::check(plan);
    return true;
  } catch (const Error&) {
    return false;
  }
}

bool is_small(const Plan& plan) {
  int64_t bytes = 0;
  for (const PlanTensor& tensor : plan.tensors) {
    for (const int64_t size : tensor.shape) {
      if (size > kMostWidth) return false;
    }
    if (tensor.in_panels && tensor.shape.size() != 2) return false;  // such have no bytes()
    bytes += tensor.bytes();
  }
  const auto is_narrow = [](const PlanValue& value) { return value.width <= kMostWidth; };
  return bytes <= kMostBytes && std::ranges::all_of(plan.values, is_narrow) &&
         plan.tokens <= kMostTokens && plan.input.shape.size() <= 3 &&
         element_count(plan.input.shape) <= kMostPixels;
}

}  // namespace

Plan changed_plan(const Plan& plan, std::mt19937& dice) {
  Plan result = plan;
  for (size_t left = 1 + dice() % 40; left > 0; --left) {
    Plan next = result;
    Change(next, dice).make();
    if (dice() % 2 == 0) Change(next, dice).make();
    if (is_small(next) && (is_accepted(next) || dice() % 200 == 0)) result = std::move(next);
  }
  return result;
}

}  // namespace llm2clip::testing
