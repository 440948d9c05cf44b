// Checks language models and adapters on the first GPU in every precision, against fp32 TorchScript
// on the CPU and batches against single texts. It also times runs of captions. It needs neither
// Node nor a checkpoint.
//   text_check small|large FOLDER TORCHSCRIPT LIBRARY… [-- TENSORRT LIBRARY]
// The arguments are plugins, each with its libraries. If TensorRT is given, it runs on the GPU;
// otherwise TorchScript does. Writes engines with random weights to FOLDER and one JSON object to
// standard output. The exit code is 1 when a parity gate fails.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "batch/text_list.h"
#include "engine/plugin.h"
#include "json_text.h"
#include "session_check.h"
#include "synthetic_tower.h"

namespace llm2clip {
namespace {

// A caption is a prompt of about twenty tokens and about twenty more of its own.
constexpr int64_t kInputs = 24, kLargest = 32, kOddBatch = 5, kCaption = 40;
constexpr double kSecondsABatch = 2;

// Inputs of one kind, in memory of their own.
struct Drawn {
  Input input;
  TextList texts = {};
  std::vector<float> features = {};

  BatchView view() const {
    if (input.kind == InputKind::kText) return texts.view();
    const int64_t size = input.numbers();
    return Features{features.data(), static_cast<int64_t>(features.size()) / size, size};
  }
};

// A network to build, run and compare. One result has `dim` floats.
struct Tower {
  const char* name;
  Input input;
  int64_t dim;
  Drawn compared;  // kInputs
  Drawn timed;     // kLargest
  std::function<void(Engine&, Precision, const std::string& path)> write;
};

// Random texts that are pooled over their second half. Each has `tokens` tokens, or a random length
// if `tokens` is 0.
Drawn drawn_texts(const LlamaConfig& config, int64_t count, int64_t tokens) {
  std::mt19937 generator(7);
  Drawn drawn{texts_of(config.max_tokens)};
  for (int64_t i = 0; i < count; ++i) {
    const auto drawn_length = static_cast<int64_t>(1 + generator() % config.max_tokens);
    const int64_t length = tokens == 0 ? drawn_length : tokens;
    std::vector<int32_t> ids(static_cast<size_t>(length));
    for (int32_t& id : ids) id = static_cast<int32_t>(generator() % config.vocabulary_size);
    drawn.texts.add(ids, (length + 1) / 2);
  }
  return drawn;
}

Drawn drawn_features(const AdapterConfig& config, int64_t count) {
  std::mt19937 generator(7);
  std::normal_distribution<float> normal(0, 1);
  Drawn drawn{features_of(config.width)};
  drawn.features.resize(static_cast<size_t>(count * config.width));
  for (float& number : drawn.features) number = normal(generator);
  return drawn;
}

Tower language_model(const LlamaConfig& config, const char* name) {
  return {name,
          texts_of(config.max_tokens),
          config.width,
          drawn_texts(config, kInputs, 0),
          drawn_texts(config, kLargest, kCaption),
          [config](Engine& engine, Precision precision, const std::string& path) {
            write_synthetic_engine(engine, config, precision, kLargest, path);
          }};
}

Tower text_adapter(const AdapterConfig& config, const char* name) {
  return {name,
          features_of(config.width),
          config.embedding_dim,
          drawn_features(config, kInputs),
          drawn_features(config, kLargest),
          [config](Engine& engine, Precision precision, const std::string& path) {
            write_synthetic_engine(engine, config, precision, kLargest, path);
          }};
}

SessionOptions options(const Tower& tower, const std::string& path, const char* device) {
  return {.path = path,
          .device = device,
          .threads = static_cast<int>(std::thread::hardware_concurrency()),
          .input = tower.input,
          .max_batch = kLargest};
}

// Returns its findings as JSON. Sets `well` to false when a gate fails.
std::string check(Engine& engine, const Tower& tower, const GatedPrecision& one,
                  const std::string& folder, const std::vector<float>& reference, bool& well) {
  const SessionOptions how = options(tower, folder + "/on-gpu", "cuda");
  tower.write(engine, one.precision, how.path);
  const auto session = engine.open(how);
  const auto in_batches_of = [&](int64_t batch) {
    return embed(*session, tower.compared.view(), batch);
  };
  const auto together = in_batches_of(kLargest);
  const double to_fp32 = least_cosine(together, reference, tower.dim);
  const double in_batches = std::min(least_cosine(together, in_batches_of(1), tower.dim),
                                     least_cosine(together, in_batches_of(kOddBatch), tower.dim));
  well &= to_fp32 >= one.least_cosine && in_batches >= kSameInBatches;  // NaN fails
  const auto times = time_batches(*session, tower.timed.view(), kSecondsABatch);
  std::filesystem::remove(how.path);
  return json_object({{"precision", json_string(one.name)},
                      {"kernels", json_strings(session->info().kernels)},
                      {"cosineToFp32", json_number(to_fp32, 7)},
                      {"cosineInBatches", json_number(in_batches, 7)},
                      {"batches", json_of(times)}});
}

std::string check(Engine& on_cpu, Engine& on_gpu, const Tower& tower, const std::string& folder,
                  bool& well) {
  const SessionOptions cpu = options(tower, folder + "/reference.pt", "cpu");
  tower.write(on_cpu, Precision::kFp32, cpu.path);
  const auto reference = embed(*on_cpu.open(cpu), tower.compared.view(), kLargest);
  std::filesystem::remove(cpu.path);
  std::vector<std::string> engines;
  for (const GatedPrecision& one : kGatedPrecisions) {
    engines.push_back(check(on_gpu, tower, one, folder, reference, well));
  }
  return json_object({{"tower", json_string(tower.name)}, {"engines", json_list(engines)}});
}

bool run(Engine& on_cpu, Engine& on_gpu, bool large, const std::string& folder) {
  const Tower model = large ? language_model(llama_large(), "llama, 1B")
                            : language_model(llama_small(), "llama, small");
  const Tower adapter = large ? text_adapter(adapter_large(), "adapter")
                              : text_adapter(adapter_small(), "adapter, small");
  bool well = true;
  std::vector<std::string> towers;
  for (const Tower* const tower : {&model, &adapter}) {
    towers.push_back(check(on_cpu, on_gpu, *tower, folder, well));
  }
  std::printf("%s\n", json_object({{"captionTokens", json_number(kCaption, 0)},
                                   {"towers", json_list(towers)},
                                   {"passed", json_bool(well)}})
                          .c_str());
  return well;
}

}  // namespace
}  // namespace llm2clip

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  const auto end = std::ranges::find(words, "--");
  if (end - words.begin() < 4 || (end != words.end() && words.end() - end != 3)) {
    std::fprintf(stderr,
                 "text_check small|large FOLDER TORCHSCRIPT LIBRARY… [-- TENSORRT LIBRARY]\n");
    return 2;
  }
  try {
    const auto torchscript = llm2clip::open_plugin(words[2], {words.begin() + 3, end});
    const auto on_gpu = end == words.end() ? torchscript : llm2clip::open_plugin(end[1], {end[2]});
    return llm2clip::run(*torchscript, *on_gpu, words[0] == "large", words[1]) ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
