#include "tests/cpu_files.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/cpu/cpu_engine.h"

namespace llm2clip::testing {

void build(const SmallTower& tower, const BuildOptions& options, const std::string& path) {
  const auto builder = cpu_engine()->builder(options);
  Weights weights = numbered_weights(tower.shapes, drawn);
  builder->save(llm2clip::tower(*builder, weights, tower.config), path);
}

std::string built(const TemporaryFolder& folder, const SmallTower& tower, Precision precision) {
  const std::string path =
      folder.path() + "/" + tower.name + std::to_string(static_cast<int>(precision));
  if (!std::filesystem::exists(path)) {
    build(tower, {.precision = precision, .input = tower.input}, path);
  }
  return path;
}

Inputs::Inputs(const Input& input, int64_t count) {
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

SessionOptions options_of(const std::string& path, const Input& input, int threads) {
  return {.path = path, .device = "cpu", .threads = threads, .input = input};
}

std::unique_ptr<Session> open(const std::string& path, const Input& input, int threads) {
  return cpu_engine()->open(options_of(path, input, threads));
}

std::vector<float> run(Session& session, const BatchView& batch) {
  const Embeddings found = session.run(batch);
  return {found.data, found.data + found.batch * found.dim};
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace llm2clip::testing
