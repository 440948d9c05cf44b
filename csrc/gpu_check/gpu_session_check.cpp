// Every precision of the TorchScript engine on the first GPU against fp32 on the CPU, batches
// against singles, and what runs and serving take; no Node and no checkpoint are needed:
//   gpu_session_check PLUGIN FOLDER small|large LIBRARY…
// writes engines of drawn weights to FOLDER, one JSON object to standard output, and ends with 1
// where a parity gate or an expectation fails.
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>

#include "engine/plugin.h"
#include "session_check.h"
#include "synthetic_tower.h"

namespace llm2clip {
namespace {

constexpr int64_t kLargest = 64, kOnCpu = 4;
constexpr double kSecondsABatch = 2, kSecondsServed = 15;

class Check {
 public:
  Check(const std::string& plugin, std::string folder, bool large,
        const std::vector<std::string>& libraries)
      : engine_(open_plugin(plugin, libraries)),
        folder_(std::move(folder)),
        config_(large ? eva02_large() : eva02_small()),
        pictures_(drawn_pictures(kLargest, config_.image_size)) {}

  bool run() {
    const SessionOptions cpu = options(kGatedPrecisions[0], "cpu");
    write_synthetic_engine(*engine_, config_, kGatedPrecisions[0].precision, cpu.path);
    reference_ = embed(*engine_->open(cpu), pictures_of(kOnCpu), kOnCpu, kOnCpu);
    std::printf("{\"tower\": \"%s\", \"engines\": [", config_.width == 1024 ? "L/14@336" : "small");
    bool well = true;
    for (const GatedPrecision& one : kGatedPrecisions) well &= check(one);
    std::printf("], \"passed\": %s}\n", well ? "true" : "false");
    return well;
  }

 private:
  SessionOptions options(const GatedPrecision& one, const char* device) const {
    return {.path = folder_ + "/" + one.name + ".pt",
            .device = device,
            .threads = static_cast<int>(std::thread::hardware_concurrency()),
            .input = {3, config_.image_size, config_.image_size},
            .max_batch = kLargest};
  }

  std::vector<float> pictures_of(int64_t count) const {
    const auto picture = static_cast<int64_t>(pictures_.size()) / kLargest;
    return {pictures_.begin(), pictures_.begin() + count * picture};
  }

  bool check(const GatedPrecision& one) {
    const SessionOptions how = options(one, "cuda");
    if (!std::filesystem::exists(how.path)) {
      write_synthetic_engine(*engine_, config_, one.precision, how.path);
    }
    const auto session = engine_->open(how);
    const auto together = embed(*session, pictures_, kLargest, kLargest);
    const auto singly = embed(*session, pictures_, kLargest, 1);
    const auto odd = embed(*session, pictures_, kLargest, 5);
    const int64_t dim = config_.embedding_dim;
    const std::vector<float> some(together.begin(), together.begin() + kOnCpu * dim);
    const double to_fp32 = least_cosine(some, reference_, dim);
    const double in_batches =
        std::min(least_cosine(together, singly, dim), least_cosine(together, odd, dim));
    // Written so that NaN fails.
    const bool well = to_fp32 >= one.least_cosine && in_batches >= kSameInBatches;
    std::printf("%s{\"precision\": \"%s\", \"device\": \"%s\", \"kernels\": [",
                &one == kGatedPrecisions ? "" : ", ", one.name, session->info().device.c_str());
    const auto& kernels = session->info().kernels;
    for (const std::string& kernel : kernels) {
      std::printf("%s\"%s\"", &kernel == kernels.data() ? "" : ", ", kernel.c_str());
    }
    std::printf("], \"cosineToFp32\": %.7f, \"cosineInBatches\": %.7f, \"batches\": [", to_fp32,
                in_batches);
    print_times(*session);
    std::printf("], \"servedPerSecond\": %.1f}", served_rate(*engine_, how, dim, kSecondsServed));
    std::fflush(stdout);
    return well;
  }

  void print_times(Session& session) const {
    for (const BatchTime& time : time_batches(session, pictures_, kLargest, kSecondsABatch)) {
      std::printf("%s{\"batch\": %d, \"p50Ms\": %.3f, \"p99Ms\": %.3f, \"perSecond\": %.1f}",
                  time.batch == 1 ? "" : ", ", static_cast<int>(time.batch), time.p50, time.p99,
                  1e3 * static_cast<double>(time.batch) / time.p50);
    }
  }

  std::shared_ptr<Engine> engine_;
  std::string folder_;
  VisionConfig config_;
  std::vector<float> pictures_, reference_;
};

}  // namespace
}  // namespace llm2clip

int main(int count, char** arguments) {
  if (count < 5) {
    std::fprintf(stderr, "gpu_session_check PLUGIN FOLDER small|large LIBRARY…\n");
    return 2;
  }
  try {
    llm2clip::Check check(arguments[1], arguments[2], std::string(arguments[3]) == "large",
                          {arguments + 4, arguments + count});
    return check.run() ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
