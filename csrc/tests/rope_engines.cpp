// Builds engines of the TorchScript plugin for towers with several ropes, in both flavours, and
// compares them on the CPU with a plain computation.
//   rope_engines FOLDER PLUGIN LIBRARY…
// It leaves the engine files in FOLDER with their inputs, in the format of
// engine/torchscript/cuda/tests/twin.h, and the expected outputs in f32, for the program that runs
// the native engines with twins of the GPU's kernels.
#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "batch/text_list.h"
#include "engine/plugin.h"
#include "tests/expect.h"
#include "tests/ropes.h"

namespace llm2clip::testing {
namespace {

struct Tower {
  std::string name;
  Input input;
  Shapes shapes;
  std::function<Value(Net&, Weights&)> say;
  std::vector<float> pixels;  // [count, input] for images
  TextList texts;
  std::vector<double> expected;  // [count, kRopeWidth]

  BatchView batch() const {
    if (input.kind == InputKind::kText) return texts.view();
    const int64_t size = input.numbers();
    return Images{pixels.data(), static_cast<int64_t>(pixels.size()) / size, size};
  }
};

Tower texts() {
  Tower tower{"texts", texts_of(kRopeTokens), text_rope_shapes(), text_ropes, {}, {}, {}};
  const std::vector<std::pair<std::vector<int32_t>, int64_t>> all{
      {{3, 19, 0, 7, 11}, 3}, {{5}, 1}, {{5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 12}};
  for (const auto& [ids, pooled] : all) {
    tower.texts.add(ids, pooled);
    const auto expected = plain_text_ropes(ids, pooled);
    tower.expected.insert(tower.expected.end(), expected.begin(), expected.end());
  }
  return tower;
}

Tower images() {
  Tower tower{"images", images_of(kRopeSize), image_rope_shapes(), image_ropes, {}, {}, {}};
  for (const char* const name : {"first image", "second image"}) {
    std::vector<float> pixels;
    for (int64_t i = 0; i < tower.input.numbers(); ++i) {
      pixels.push_back(drawn(name, static_cast<size_t>(i)));
    }
    tower.pixels.insert(tower.pixels.end(), pixels.begin(), pixels.end());
    const auto expected = plain_image_ropes(pixels);
    tower.expected.insert(tower.expected.end(), expected.begin(), expected.end());
  }
  return tower;
}

template <typename T>
void write_numbers(const std::string& path, const std::vector<T>& numbers) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(numbers.data()),
             static_cast<std::streamsize>(numbers.size() * sizeof(T)));
}

// Writes texts one after the other: the number of tokens, the number of tokens in the mean, the
// ids.
void write_inputs(const std::string& path, const Tower& tower) {
  if (tower.input.kind != InputKind::kText) return write_numbers(path, tower.pixels);
  std::vector<int32_t> numbers;
  const Texts texts = tower.texts.view();
  for (int64_t i = 0; i < texts.count(); ++i) {
    const auto ids = texts.text(i);
    numbers.push_back(static_cast<int32_t>(ids.size()));
    numbers.push_back(texts.pooled[static_cast<size_t>(i)]);
    numbers.insert(numbers.end(), ids.begin(), ids.end());
  }
  write_numbers(path, numbers);
}

void check_engine(Engine& engine, const Tower& tower, bool portable, const std::string& path) {
  const BuildOptions options{
      .precision = Precision::kFp32, .input = tower.input, .portable = portable};
  const auto builder = engine.builder(options);
  Weights weights = numbered_weights(tower.shapes, drawn);
  builder->save(tower.say(*builder, weights), path);
  const auto session =
      engine.open({.path = path, .device = "cpu", .threads = 2, .input = tower.input});
  const BatchView batch = tower.batch();
  const Embeddings found = session->run(batch);
  EXPECT(found.dim == kRopeWidth && found.batch == count_of(batch));
  double most = 0;
  for (size_t i = 0; i < tower.expected.size(); ++i) {
    most = std::max(most, std::abs(found.data[i] - tower.expected[i]));
  }
  EXPECT(most < 1e-5);  // also false for NaN
  std::printf("%s %s: %.1e\n", most < 1e-5 ? "ok" : "FAILED", path.c_str(), most);
}

void run(const std::string& folder, Engine& engine) {
  for (const Tower& tower : {texts(), images()}) {
    const std::string name = folder + "/" + tower.name;
    write_inputs(name + "-inputs", tower);
    write_numbers(name + "-expected",
                  std::vector<float>(tower.expected.begin(), tower.expected.end()));
    check_engine(engine, tower, false, name + "-native.pt");
    check_engine(engine, tower, true, name + "-portable.pt");
  }
}

}  // namespace
}  // namespace llm2clip::testing

int main(int count, char** arguments) {
  if (count < 3) return 2;
  try {
    const auto engine = llm2clip::open_plugin(arguments[2], {arguments + 3, arguments + count});
    llm2clip::testing::run(arguments[1], *engine);
  } catch (const std::exception& error) {
    std::printf("FAILED %s\n", error.what());
    return 1;
  }
  return llm2clip::testing::exit_code();
}
