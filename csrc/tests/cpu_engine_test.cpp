// Tests the cpu engine's files, plans and sessions on small networks of each kind: what a file says
// never leads outside of memory, and values never overwrite each other.
//   cpu_engine_test [NUMBER OF DAMAGED FILES [SEED]]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>

#include "base/error.h"
#include "batch/text_list.h"
#include "engine/cpu/cpu_engine.h"
#include "engine/cpu/data_file.h"
#include "engine/cpu/memory_plan.h"
#include "tests/expect.h"
#include "tests/small_towers.h"

namespace llm2clip::testing {
namespace {

using cpu::DataFile;
using cpu::MemoryPlan;
using cpu::Plan;
using cpu::Program;
using cpu::RowCounts;
using cpu::Step;
using cpu::ValueId;

int damaged_files = 3000;
unsigned seed = 1;

// A folder that is deleted at the end.
struct Folder {
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "cpu-engine-XXXXXX";
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string& name) const { return path + "/" + name; }
  std::string path;
};

constexpr std::array kPrecisions{
    std::pair{Precision::kFp32, "fp32"}, std::pair{Precision::kBf16, "bf16"},
    std::pair{Precision::kFp16, "fp16"}, std::pair{Precision::kInt8, "int8"}};

void build(const SmallTower& tower, const BuildOptions& options, const std::string& path) {
  const auto builder = cpu_engine()->builder(options);
  Weights weights = numbered_weights(tower.shapes, drawn);
  builder->save(llm2clip::tower(*builder, weights, tower.config), path);
}

std::string built(const Folder& folder, const SmallTower& tower, Precision precision) {
  const std::string path = folder / (tower.name + std::to_string(static_cast<int>(precision)));
  if (!std::filesystem::exists(path))
    build(tower, {.precision = precision, .input = tower.input}, path);
  return path;
}

// Inputs for a network of any kind.
struct Inputs {
  explicit Inputs(const Input& input, int64_t count) {
    if (input.kind == InputKind::kText) {
      for (int64_t i = 0; i < count; ++i) {
        const std::vector<int32_t> ids(static_cast<size_t>(1 + i * 3 % input.most_tokens()), 5);
        texts.add(ids, 1);
      }
      view = texts.view();
      return;
    }
    for (int64_t i = 0; i < count * input.numbers(); ++i) {
      numbers.push_back(drawn("input", static_cast<size_t>(i)));
    }
    if (input.kind == InputKind::kImage) {
      view = Images{numbers.data(), count, input.numbers()};
    } else {
      view = Features{numbers.data(), count, input.numbers()};
    }
  }
  std::vector<float> numbers;
  TextList texts;
  BatchView view;
};

std::unique_ptr<Session> open(const std::string& path, const Input& input, int threads = 1) {
  return cpu_engine()->open({.path = path, .device = "cpu", .threads = threads, .input = input});
}

std::vector<float> run(Session& session, const BatchView& batch) {
  const Embeddings found = session.run(batch);
  return {found.data, found.data + found.batch * found.dim};
}

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
  const Folder folder;
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
  const Folder folder;
  for (const SmallTower& tower : small_towers()) {
    const Inputs inputs(tower.input, 2);
    const auto exact = run(*open(built(folder, tower, Precision::kFp32), tower.input), inputs.view);
    for (const auto& [precision, name] : kPrecisions) {
      const auto found = run(*open(built(folder, tower, precision), tower.input), inputs.view);
      EXPECT(is_close(found, exact, precision == Precision::kInt8 ? 0.15 : 0.03));
    }
  }
}

void test_text_of_plans() {
  const Folder folder;
  for (const SmallTower& tower : small_towers()) {
    const DataFile file(built(folder, tower, Precision::kInt8));
    const std::string text = to_text(file.plan());
    EXPECT(to_text(cpu::plan_of(text)) == text);
  }
}

// Tools that list the file find the checkpoint's names.
void test_names_of_tensors() {
  const Folder folder;
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
  const Folder folder;
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

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::mt19937& dice() {
  static std::mt19937 generator(seed);
  return generator;
}
size_t below(size_t limit) { return limit == 0 ? 0 : dice()() % limit; }

// Replaces a word of the plan by one that stands elsewhere, or by an extreme number.
void change_word(std::string& text) {
  const std::vector<std::string> numbers{"0",
                                         "1",
                                         "2",
                                         "3",
                                         "-1",
                                         "-",
                                         "64",
                                         "24",
                                         "1e-5",
                                         "2147483647",
                                         "65536",
                                         "16777216",
                                         "9223372036854775807",
                                         "18446744073709551615"};
  const auto word_at = [&](size_t from) {
    const size_t begin = text.find_last_of(" n", from) + 1;
    return std::pair{begin, std::min(text.find_first_of(" \\\"", begin), text.size())};
  };
  const auto [begin, end] = word_at(below(text.size()));
  const auto [other, other_end] = word_at(below(text.size()));
  if (begin > end || other > other_end) return;
  const bool is_extreme = below(2) == 0;
  text.replace(begin, end - begin,
               is_extreme ? numbers[below(numbers.size())] : text.substr(other, other_end - other));
}

void change_line(std::string& text) {
  const auto line_at = [&](size_t from) {
    const size_t begin = text.rfind("\\n", from);
    const size_t end = text.find("\\n", from + 2);
    return begin == text.npos || end == text.npos ? std::pair<size_t, size_t>{0, 0}
                                                  : std::pair{begin, end};
  };
  const auto [begin, end] = line_at(below(text.size()));
  const auto [other, other_end] = line_at(below(text.size()));
  text.replace(begin, end - begin, text.substr(other, other_end - other));
}

// Changes a file; half of the time the header, whose length is then corrected.
std::string damaged(std::string bytes) {
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  for (size_t more = below(3) + 1; more > 0; --more) {
    switch (below(6)) {
      case 0: bytes[below(bytes.size())] ^= static_cast<char>(1 << below(8)); break;
      case 1: bytes[below(200)] ^= static_cast<char>(1 << below(8)); break;
      case 2: bytes.resize(below(bytes.size()) + 1); break;
      default: {
        if (bytes.size() < sizeof(length) + length) break;
        std::string header = bytes.substr(sizeof(length), length);
        const std::string data = bytes.substr(sizeof(length) + length);
        below(3) == 0 ? change_line(header) : change_word(header);
        header.resize((header.size() + 8 + 63) / 64 * 64 - 8, ' ');
        length = header.size();
        bytes.assign(reinterpret_cast<const char*>(&length), sizeof(length));
        bytes += header + data;
      }
    }
  }
  return bytes;
}

// A damaged file is refused, or runs without leaving its memory.
void test_damage() {
  const Folder folder;
  const std::vector<SmallTower> towers = small_towers();
  int refused = 0, ran = 0;
  for (int i = 0; i < damaged_files; ++i) {
    const SmallTower& tower = towers[below(towers.size())];
    const std::string whole =
        content(built(folder, tower, kPrecisions[below(kPrecisions.size())].first));
    const std::string path = folder / "damaged";
    write(path, damaged(whole));
    try {
      const auto session = open(path, tower.input);
      const Inputs inputs(tower.input, 2);
      run(*session, inputs.view);
      if (session->info().gives_patches) {
        session->run_patches(std::get<Images>(inputs.view), std::nullopt);
      }
      ++ran;
    } catch (const Error& error) {
      const bool is_known =
          error.code() == ErrorCode::kEngineIncompatible || error.code() == ErrorCode::kOutOfMemory;
      EXPECT(is_known);
      if (!is_known) std::printf("%s\n", error.what());
      ++refused;
    }
  }
  std::printf("%d damaged files were refused, %d ran\n", refused, ran);
  EXPECT(damaged_files == 0 || (refused > 0 && ran > 0));
}

// Every cut of a file is refused, and so is a file of another engine.
void test_cut_files() {
  const Folder folder;
  const SmallTower tower = small_towers().front();
  const std::string whole = content(built(folder, tower, Precision::kFp32));
  for (size_t bytes = 0; bytes < whole.size(); bytes += 97) {
    const std::string path = folder / "cut";
    write(path, whole.substr(0, bytes));
    bool is_refused = false;
    try {
      open(path, tower.input);
    } catch (const Error& error) {
      is_refused = error.code() == ErrorCode::kEngineIncompatible;
    }
    EXPECT(is_refused);
  }
}

// A file that changes while a session has it open ends runs with ERR_IO.
void test_changes_while_open() {
  const Folder folder;
  const SmallTower tower = small_towers().front();
  const Inputs inputs(tower.input, 1);
  for (const bool is_cut : {true, false}) {
    const std::string path = folder / (is_cut ? "cut" : "overwritten");
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
  if (count > 1) damaged_files = std::atoi(arguments[1]);
  if (count > 2) seed = static_cast<unsigned>(std::atoi(arguments[2]));
  return run_tests({{"batches", test_batches},
                    {"precisions", test_precisions},
                    {"text of plans", test_text_of_plans},
                    {"names of tensors", test_names_of_tensors},
                    {"memory", test_memory},
                    {"damage", test_damage},
                    {"cut files", test_cut_files},
                    {"changes while open", test_changes_while_open}});
}
