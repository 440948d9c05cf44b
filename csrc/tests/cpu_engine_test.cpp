// Tests the cpu engine's files, plans and sessions on small networks of each kind: what a file says
// never leads outside of memory, and values never overwrite each other.
//   cpu_engine_test [NUMBER OF DAMAGED FILES [SEED]]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "base/error.h"
#include "engine/cpu/cpu_engine.h"
#include "engine/cpu/data_file.h"
#include "engine/cpu/memory_plan.h"
#include "tests/cpu_damage_test.h"
#include "tests/cpu_files.h"
#include "tests/expect.h"

namespace llm2clip::testing {
namespace {

using cpu::DataFile;
using cpu::MemoryPlan;
using cpu::Plan;
using cpu::Program;
using cpu::RowCounts;
using cpu::Step;
using cpu::ValueId;

bool is_close(const std::vector<float>& a, const std::vector<float>& b, double tolerance) {
  if (a.size() != b.size()) return false;
  double most = 0, largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i])) return false;
    most = std::max<double>(most, std::abs(a[i] - b[i]));
    largest = std::max<double>(largest, std::abs(b[i]));
  }
  return most <= tolerance * largest;
}

// Inputs of a batch do not affect each other, nor does the number of threads.
void test_batches() {
  const TemporaryFolder folder;
  for (const SmallTower& tower : small_towers()) {
    for (const auto& [precision, name] : kPrecisions) {
      const std::string path = built(folder, tower, precision);
      const auto session = open(path, tower.input), threaded = open(path, tower.input, 2);
      const Inputs inputs(tower.input, 5);
      const std::vector<float> whole = run(*session, inputs.view);
      EXPECT(whole == run(*threaded, inputs.view));
      std::vector<float> singly;
      for (int64_t i = 0; i < 5; ++i) {
        const auto one = run(*session, some_of(inputs.view, i, 1));
        singly.insert(singly.end(), one.begin(), one.end());
      }
      EXPECT(is_close(singly, whole, 1e-5));
    }
  }
}

// Each precision stays close to fp32.
void test_precisions() {
  const TemporaryFolder folder;
  for (const SmallTower& tower : small_towers()) {
    const Inputs inputs(tower.input, 2);
    const auto exact = run(*open(built(folder, tower, Precision::kFp32), tower.input), inputs.view);
    for (const auto& [precision, name] : kPrecisions) {
      const auto found = run(*open(built(folder, tower, precision), tower.input), inputs.view);
      EXPECT(is_close(found, exact, precision == Precision::kInt8 ? 0.15 : 0.08));
    }
  }
}

void test_text_of_plans() {
  const TemporaryFolder folder;
  for (const SmallTower& tower : small_towers()) {
    const DataFile file(built(folder, tower, Precision::kInt8));
    const std::string text = to_text(file.plan());
    EXPECT(to_text(cpu::plan_of(text)) == text);
  }
}

// Tools that list the file find the checkpoint's names.
void test_names_of_tensors() {
  const TemporaryFolder folder;
  for (const SmallTower& tower : small_towers()) {
    const DataFile file(built(folder, tower, Precision::kBf16));
    std::set<std::string> names;
    for (const auto& tensor : file.plan().tensors) EXPECT(names.insert(tensor.name).second);
    size_t known = 0;
    for (const auto& [name, shape] : tower.shapes) known += names.contains(name) ? 1 : 0;
    EXPECT(known * 2 > tower.shapes.size());  // packed weights have the name of their first part
    for (const std::string& name : names) {
      EXPECT(tower.shapes.contains(name) || name == "angles" || name.ends_with(".projected") ||
             name == "zeros" || name.starts_with("zeros."));
    }
  }
}

// Notes which value owns each byte, step by step.
class Owners {
 public:
  Owners(const Plan& plan, const MemoryPlan& memory, const RowCounts& counts)
      : plan_(plan), memory_(memory), counts_(counts), owner_(memory.room, -1) {}

  void reads(ValueId id) {
    if (is_outside(id)) return;
    all_of(id, [&](int32_t& owner) { EXPECT(owner == id.place); });
    read_.insert(id.place);
  }
  void writes(ValueId id) { written_.push_back(id); }
  void reuses(ValueId out, ValueId in) { reused_.insert({out.place, in.place}); }
  void tensor(const cpu::TensorId&) {}
  void tensor(const cpu::OptionalTensor&) {}
  void count(int64_t) {}
  void real(double) {}

  // Results may only lie where no input of the same step lies, unless the step allows it.
  void end_step() {
    for (const ValueId out : written_) {
      all_of(out, [&](int32_t& owner) {
        EXPECT(!read_.contains(owner) || reused_.contains({out.place, owner}));
      });
    }
    for (const ValueId out : written_) {
      all_of(out, [&](int32_t& owner) {
        for (const ValueId other : written_)
          EXPECT(other.place == out.place || owner != other.place);
        owner = out.place;
      });
    }
    read_.clear(), written_.clear(), reused_.clear();
  }

 private:
  bool is_outside(ValueId id) const {
    return id.place == 0 && plan_.input.kind != InputKind::kText;
  }
  template <typename Body>
  void all_of(ValueId id, const Body& body) {
    const size_t begin = memory_.offsets[static_cast<size_t>(id.place)];
    const size_t bytes = bytes_of(plan_.at(id), counts_, Element::kF32);
    EXPECT(begin % 64 == 0 && begin + bytes <= owner_.size());
    for (size_t i = begin; i < begin + bytes; ++i) body(owner_[i]);
  }

  const Plan& plan_;
  const MemoryPlan& memory_;
  RowCounts counts_;
  std::vector<int32_t> owner_;  // by byte
  std::set<int32_t> read_;
  std::vector<ValueId> written_;
  std::set<std::pair<int32_t, int32_t>> reused_;
};

size_t bytes_without_reuse(const Plan& plan, const RowCounts& counts) {
  size_t all = 0;
  for (const auto& value : plan.values) all += bytes_of(value, counts, Element::kF32);
  return all;
}

void check_memory(const Plan& plan, const Program& program, const RowCounts& counts) {
  const MemoryPlan memory = plan_memory(plan, program, counts, Element::kF32);
  Owners owners(plan, memory, counts);
  for (Step step : program.steps) {
    std::visit([&](auto& one) { one.visit(owners); }, step);
    owners.end_step();
  }
  owners.reads(program.output);
  EXPECT(memory.room * 3 < bytes_without_reuse(plan, counts) * 2);
}

void test_memory() {
  const TemporaryFolder folder;
  for (const SmallTower& tower : small_towers()) {
    const DataFile file(built(folder, tower, Precision::kFp32));
    const Plan& plan = file.plan();
    for (const int64_t inputs : {1, 3, 8}) {
      const RowCounts counts{inputs, inputs * plan.tokens, inputs * plan.patches_of_image()};
      check_memory(plan, plan.embedding, counts);
      if (plan.patches) check_memory(plan, *plan.patches, counts);
    }
  }
}

// A file that changes while a session has it open ends runs with ERR_IO.
void test_changes_while_open() {
  const TemporaryFolder folder;
  const SmallTower tower = small_towers().front();
  const Inputs inputs(tower.input, 1);
  for (const bool is_cut : {true, false}) {
    const std::string path = folder.path() + (is_cut ? "/cut" : "/overwritten");
    build(tower, {.precision = Precision::kFp32, .input = tower.input}, path);
    const auto session = open(path, tower.input);
    run(*session, inputs.view);
    if (is_cut) {
      std::filesystem::resize_file(path, 4096);
    } else {
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(-64, std::ios::end);
      file << "other numbers";
    }
    bool fails = false;
    try {
      run(*session, inputs.view);
    } catch (const Error& error) {
      fails = error.code() == ErrorCode::kIo;
    }
    EXPECT(fails);
  }
}

}  // namespace
}  // namespace llm2clip::testing

int main(int count, char** arguments) {
  using namespace llm2clip::testing;
  if (count > 1) damage.files = std::atoi(arguments[1]);
  if (count > 2) damage.dice.seed(static_cast<unsigned>(std::atoi(arguments[2])));
  return run_tests({{"batches", test_batches},
                    {"precisions", test_precisions},
                    {"text of plans", test_text_of_plans},
                    {"names of tensors", test_names_of_tensors},
                    {"memory", test_memory},
                    {"hostile plans", test_hostile_plans},
                    {"hostile observers", test_hostile_observers},
                    {"widths of smoothings", test_widths_of_smoothings},
                    {"memory that no machine has", test_too_much_memory},
                    {"damage", test_damage},
                    {"changed plans", test_changed_plans},
                    {"names in messages", test_names_in_messages},
                    {"cut files", test_cut_files},
                    {"changes while open", test_changes_while_open}});
}
