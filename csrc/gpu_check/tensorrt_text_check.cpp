// A language model by TensorRT on the first GPU, in every precision, against fp32 by TorchScript on
// the CPU, and batches against singles; no Node and no checkpoint are needed:
//   tensorrt_text_check TORCHSCRIPT TENSORRT TENSORRT_LIBRARY FOLDER LIBRARY…
// takes both plugins and the libraries of each, writes engines of drawn weights to FOLDER, one JSON
// object to standard output, and ends with 1 where a parity gate fails.
#include <algorithm>
#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/plugin.h"
#include "engine/text_slot.h"
#include "session_check.h"
#include "synthetic_tower.h"

namespace llm2clip {
namespace {

constexpr int64_t kTexts = 24, kLargest = 16;

// Of every length, each with a mean over its second half.
std::vector<float> drawn_texts(const LlamaConfig& config) {
  std::mt19937 generator(7);
  const auto below = [&](int64_t end) { return static_cast<int64_t>(generator() % end); };
  const auto slot = static_cast<size_t>(kTextHeader + config.max_tokens);
  std::vector<float> slots(kTexts * slot);
  for (size_t i = 0; i < kTexts; ++i) {
    std::vector<int32_t> ids(static_cast<size_t>(1 + below(config.max_tokens)));
    for (int32_t& id : ids) id = static_cast<int32_t>(below(config.vocabulary_size));
    write_text(ids, static_cast<int64_t>(ids.size() + 1) / 2,
               std::span(slots).subspan(i * slot, slot));
  }
  return slots;
}

SessionOptions options(const LlamaConfig& config, const std::string& path, const char* device) {
  return {.path = path,
          .device = device,
          .threads = static_cast<int>(std::thread::hardware_concurrency()),
          .input = {kTextHeader + config.max_tokens},
          .max_batch = kLargest};
}

std::vector<float> features(Engine& engine, const SessionOptions& options, int64_t batch) {
  const std::vector<float> texts = drawn_texts(llama_small());
  return embed(*engine.open(options), texts, kTexts, batch);
}

bool check(Engine& engine, const GatedPrecision& one, const std::string& folder,
           const std::vector<float>& reference) {
  const LlamaConfig config = llama_small();
  const SessionOptions how = options(config, folder + "/" + one.name + ".plan", "cuda");
  write_synthetic_engine(engine, config, one.precision, kLargest, how.path);
  const auto together = features(engine, how, kLargest), singly = features(engine, how, 1);
  const double to_fp32 = least_cosine(together, reference, config.width);
  const double in_batches = least_cosine(together, singly, config.width);
  std::printf("%s{\"precision\": \"%s\", \"cosineToFp32\": %.7f, \"cosineInBatches\": %.7f}",
              &one == kGatedPrecisions ? "" : ", ", one.name, to_fp32, in_batches);
  std::fflush(stdout);
  return to_fp32 >= one.least_cosine && in_batches >= kSameInBatches;  // NaN fails
}

bool run(Engine& on_cpu, Engine& on_gpu, const std::string& folder) {
  const LlamaConfig config = llama_small();
  const SessionOptions cpu = options(config, folder + "/reference.pt", "cpu");
  write_synthetic_engine(on_cpu, config, Precision::kFp32, kLargest, cpu.path);
  const auto reference = features(on_cpu, cpu, kLargest);
  std::printf("{\"tower\": \"llama, small\", \"engines\": [");
  bool well = true;
  for (const GatedPrecision& one : kGatedPrecisions) well &= check(on_gpu, one, folder, reference);
  std::printf("], \"passed\": %s}\n", well ? "true" : "false");
  return well;
}

}  // namespace
}  // namespace llm2clip

int main(int count, char** arguments) {
  if (count < 6) {
    std::fprintf(stderr,
                 "tensorrt_text_check TORCHSCRIPT TENSORRT TENSORRT_LIBRARY FOLDER LIBRARY…\n");
    return 2;
  }
  try {
    const auto torchscript =
        llm2clip::open_plugin(arguments[1], {arguments + 5, arguments + count});
    const auto tensorrt = llm2clip::open_plugin(arguments[2], {arguments[3]});
    return llm2clip::run(*torchscript, *tensorrt, arguments[4]) ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
