#include "tests/cpu_damage_test.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/cpu/cpu_engine.h"
#include "engine/cpu/data_file.h"
#include "engine/cpu/memory_plan.h"
#include "engine/cpu/tools/cpu_tools.h"
#include "tests/changed_plans.h"
#include "tests/cpu_files.h"
#include "tests/expect.h"

namespace llm2clip::testing {
namespace {

using cpu::DataFile;
using cpu::Plan;
using cpu::PlanValue;
using cpu::Step;
using cpu::ValueId;

size_t below(size_t limit) { return limit == 0 ? 0 : damage.dice() % limit; }

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

// Runs whatever a file can be used for.
void use(const std::string& path, const Input& input) {
  const Inputs inputs(input, 2);
  const auto session = open(path, input, 2);
  run(*session, inputs.view);
  cpu::profile(options_of(path, input), inputs.view, 1);
  const auto* const images = std::get_if<Images>(&inputs.view);
  if (images == nullptr) return;
  if (session->info().gives_patches) {
    session->run_patches(*images, 0);
    session->run_patches(*images, std::nullopt);
  }
  const auto found = cpu::calibrate(options_of(path, input), *images);
  std::vector<LayerSmoothing> layers;
  for (const auto& layer : found.layers) layers.push_back({layer.name, layer.smoothing});
  cpu::layer_effects(options_of(path, input), *images, layers);
}

// Returns the code of the error, or "none".
std::string code_of(const std::function<void()>& body) {
  try {
    body();
    return "none";
  } catch (const Error& error) {
    return name(error.code());
  }
}

// Counts how often files were refused and used.
class Outcomes {
 public:
  void add(const std::string& code) { ++by_code_[code]; }
  ~Outcomes() {
    for (const auto& [code, count] : by_code_) std::printf("%d times %s\n", count, code.c_str());
    for (const auto& [code, count] : by_code_) {
      EXPECT(code == "none" || code == "ERR_ENGINE_INCOMPATIBLE" || code == "ERR_OUT_OF_MEMORY");
    }
  }

 private:
  std::map<std::string, int> by_code_;
};

std::vector<std::byte> drawn_bytes(size_t count, size_t way) {
  std::vector<std::byte> bytes(count);
  if (way == 0) return bytes;
  if (way == 1) {
    for (std::byte& one : bytes) one = static_cast<std::byte>(damage.dice());
    return bytes;
  }
  std::vector<float> numbers(count / sizeof(float));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = drawn("weight", i);
  std::ranges::copy(std::as_bytes(std::span(numbers)), bytes.begin());
  return bytes;
}

// Writes a file with this plan and any numbers.
void write_plan(const std::string& path, Plan plan) {
  std::filesystem::remove(path);
  const size_t way = below(3);
  write_data_file(path, plan, [&](size_t i) {
    return drawn_bytes(static_cast<size_t>(plan.tensors[i].bytes()), way);
  });
}

// The plan of a small network.
Plan small_plan(const std::string& name, Precision precision, bool observe = false) {
  const TemporaryFolder folder;
  for (const SmallTower& tower : small_towers()) {
    if (tower.name != name) continue;
    const std::string path = folder.path() + "/file";
    build(tower, {.precision = precision, .input = tower.input, .observe = observe}, path);
    return DataFile(path).plan();
  }
  return {};
}

std::string code_of_check(const Plan& plan) {
  return code_of([&] { cpu::check(plan); });
}

template <typename One>
One& first_step(Plan& plan) {
  for (Step& step : plan.embedding.steps) {
    if (auto* const one = std::get_if<One>(&step)) return *one;
  }
  std::abort();
}

// A layer of another type than its input would read and write twice its memory.
void test_types_of_layers() {
  for (const auto& [precision, name] : kPrecisions) {
    for (const auto& [other, other_name] : kPrecisions) {
      Plan plan = small_plan("clip_vit", precision);
      auto& layer = first_step<cpu::LinearStep>(plan);
      plan.tensors[static_cast<size_t>(layer.weight.place)].type = cpu::stored_type(other);
      const bool fits = cpu::stored_type(other) == cpu::stored_type(precision);
      EXPECT((code_of_check(plan) == "none") == fits);
    }
  }
}

// A tensor of one dimension is read as f32, even if no step does.
void test_types_of_vectors() {
  Plan plan = small_plan("llama", Precision::kBf16);
  plan.tensors.push_back({"vector", WeightType::kBf16, false, {24}});
  EXPECT(code_of_check(plan) == "ERR_ENGINE_INCOMPATIBLE");
}

// Many large tensors in one place would make a small file take much memory.
void test_tensors_in_one_place() {
  const TemporaryFolder folder;
  const SmallTower tower = small_towers().front();
  const std::string path = folder.path() + "/file", from = " f32 panels ";
  build(tower, {.precision = Precision::kFp32, .input = tower.input}, path);
  std::string text = content(path);
  const size_t first = text.find(from) + from.size(), second = text.find(from, first) + from.size();
  EXPECT(text.substr(first, 2) == "0 ");
  const size_t digits = text.find(' ', second) - second;
  text.replace(second, digits, "0");
  // The spaces at the end of the header become more.
  text.insert(text.find("}}", second) + 2, digits - 1, ' ');
  write(path, text);
  EXPECT(code_of([&] { open(path, tower.input); }) == "ERR_ENGINE_INCOMPATIBLE");
}

// A plan with this many more values, each of which a step writes.
Plan plan_with_more(int values) {
  Plan plan = small_plan("adapter", Precision::kFp32);
  const ValueId sum = first_step<cpu::AddLayerNormStep>(plan).sum;
  for (int i = 0; i < values; ++i) {
    plan.values.push_back(PlanValue(plan.at(sum)));
    const ValueId made{static_cast<int32_t>(plan.values.size() - 1)};
    plan.embedding.steps.emplace_back(cpu::AddStep{sum, sum, made});
  }
  return plan;
}

// Planning the memory of very many values would take hours.
void test_many_values() {
  EXPECT(code_of_check(plan_with_more(1 << 10)) == "none");
  const Plan plan = plan_with_more(1 << 15);
  EXPECT(code_of_check(plan) == "ERR_ENGINE_INCOMPATIBLE");
  EXPECT(code_of([&] { cpu::plan_of(to_text(plan)); }) == "ERR_ENGINE_INCOMPATIBLE");
}

template <typename Edit>
std::string code_of_calibration(const Edit& edit) {
  const TemporaryFolder folder;
  Plan plan = small_plan("clip_vit", Precision::kFp32, true);
  edit(plan.embedding.steps);
  const std::string path = folder.path() + "/file";
  write_plan(path, plan);
  return code_of([&] { use(path, plan.input); });
}

}  // namespace

void test_hostile_plans() {
  test_types_of_layers();
  test_types_of_vectors();
  test_tensors_in_one_place();
  test_many_values();
}

// An observing step that no linear layer follows would have another layer's width.
void test_hostile_observers() {
  EXPECT(code_of_calibration([](auto&) {}) == "none");
  const auto separate = [](std::vector<Step>& steps) {
    for (size_t i = steps.size() - 2; i > 0; --i) {
      if (!std::holds_alternative<cpu::ObserveStep>(steps[i])) continue;
      const auto& seen = std::get<cpu::ObserveStep>(steps[i]);
      std::get<cpu::LinearStep>(steps[i + 1]).x = seen.x;
      return;
    }
  };
  EXPECT(code_of_calibration(separate) == "ERR_ENGINE_INCOMPATIBLE");
}

// A smoothing of another layer's width is refused.
void test_widths_of_smoothings() {
  const TemporaryFolder folder;
  const SmallTower tower = small_towers().front();
  const std::string path = folder.path() + "/file";
  build(tower, {.precision = Precision::kFp32, .input = tower.input, .observe = true}, path);
  const Inputs inputs(tower.input, 1);
  const auto images = std::get<Images>(inputs.view);
  const auto options = options_of(path, tower.input);
  const std::string layer = cpu::calibrate(options, images).layers.front().name;
  for (const size_t width : {1, 23, 25, 100'000}) {
    const std::vector<float> smoothing(width, 1.0F);
    const auto body = [&] { cpu::layer_effects(options, images, {{layer, smoothing}}); };
    EXPECT(code_of(body) == "ERR_INVALID_ARG");
  }
}

// Sizes that overflow are refused like those that are only too large.
void test_too_much_memory() {
  Plan plan = small_plan("siglip2", Precision::kFp32);
  for (const int64_t images : {int64_t{1} << 40, int64_t{1} << 57, int64_t{1} << 60}) {
    const cpu::RowCounts counts{images, images * plan.tokens, images * plan.tokens};
    const auto body = [&] { plan_memory(plan, plan.embedding, counts, Element::kF32); };
    EXPECT(code_of(body) == "ERR_OUT_OF_MEMORY");
  }
}

void test_damage() {
  const TemporaryFolder folder;
  const std::vector<SmallTower> towers = small_towers();
  Outcomes outcomes;
  for (int i = 0; i < damage.files; ++i) {
    const SmallTower& tower = towers[below(towers.size())];
    const Precision precision = kPrecisions[below(kPrecisions.size())].first;
    const std::string path = folder.path() + "/damaged";
    write(path, damaged(content(built(folder, tower, precision))));
    outcomes.add(code_of([&] {
      const auto session = open(path, tower.input);
      const Inputs inputs(tower.input, 2);
      run(*session, inputs.view);
      if (!session->info().gives_patches) return;
      session->run_patches(std::get<Images>(inputs.view), std::nullopt);
    }));
  }
}

void test_changed_plans() {
  const TemporaryFolder folder;
  std::vector<Plan> plans;
  for (const SmallTower& tower : small_towers()) {
    for (const auto& [precision, name] : kPrecisions) {
      plans.push_back(DataFile(built(folder, tower, precision)).plan());
    }
    if (tower.input.kind == InputKind::kImage) {
      plans.push_back(small_plan(tower.name, Precision::kFp32, true));
    }
  }
  Outcomes outcomes;
  for (int i = 0; i < damage.files / 4; ++i) {
    const Plan plan = changed_plan(plans[below(plans.size())], damage.dice);
    const std::string path = folder.path() + "/changed";
    write_plan(path, plan);
    outcomes.add(code_of([&] { use(path, plan.input); }));
  }
}

// What a file calls its tensors never reaches a terminal as anything but letters.
void test_names_in_messages() {
  const TemporaryFolder folder;
  const SmallTower tower = small_towers().front();
  const std::string whole = content(built(folder, tower, Precision::kFp32));
  for (const char odd : {'\x1b', '\x07', '\x7f', '\xc2', '\t', '\0'}) {
    std::string changed = whole;
    changed[changed.find("pos_embed")] = odd;
    const std::string path = folder.path() + "/odd";
    write(path, changed);
    try {
      open(path, tower.input);
      EXPECT(false);
    } catch (const Error& error) {
      EXPECT(error.code() == ErrorCode::kEngineIncompatible);
      EXPECT(std::string(error.what()).find(odd) == std::string::npos);
    }
  }
}

// Every cut of a file is refused, and so is a file of another engine.
void test_cut_files() {
  const TemporaryFolder folder;
  const SmallTower tower = small_towers().front();
  const std::string whole = content(built(folder, tower, Precision::kFp32));
  for (size_t bytes = 0; bytes < whole.size(); bytes += 97) {
    const std::string path = folder.path() + "/cut";
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

}  // namespace llm2clip::testing
