// Checks that memory does not grow: first with many requests through one scheduler, then with
// sessions that are opened, run once and closed again.
//   soak_check DEVICE PLUGIN FOLDER TOWER REQUESTS SESSIONS LIBRARY…
// DEVICE is cuda, or cpu to try out the check itself. Prints one JSON object with the GPU memory in
// use and the process's own memory: MiB after warm-up, at the end and at the peak. The exit code is
// 1 when either grows beyond its bound.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <thread>

#include "cuda/context.h"
#include "engine/plugin.h"
#include "image_requests.h"
#include "json_text.h"
#include "session_check.h"
#include "synthetic_tower.h"

namespace llm2clip {
namespace {

constexpr int64_t kLargest = 64;
// Growth that allocators may cause by keeping memory.
constexpr double kGpuGrowsMib = 64, kHostGrowsMib = 96;
// The share of steps in which caches may still fill.
constexpr double kWarmUpShare = 0.1;

double mib(size_t bytes) { return static_cast<double>(bytes) / (1U << 20); }

double host_mib() {
  std::ifstream statm("/proc/self/statm");
  size_t total = 0, resident = 0;
  statm >> total >> resident;
  return mib(resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE)));
}

// The size of one kind of memory over time.
class Samples {
 public:
  explicit Samples(double bound) : bound_(bound) {}
  void add(double value) { values_.push_back(value); }
  bool flat() const { return most() - values_.front() <= bound_; }
  std::string json() const {
    return json_object({{"firstMib", json_number(values_.front(), 1)},
                        {"lastMib", json_number(values_.back(), 1)},
                        {"mostMib", json_number(most(), 1)},
                        {"boundMib", json_number(bound_, 0)},
                        {"flat", json_bool(flat())}});
  }

 private:
  double most() const { return *std::ranges::max_element(values_); }

  double bound_;
  std::vector<double> values_;
};

class Soak {
 public:
  Soak(Engine& engine, SessionOptions options, int64_t dim)
      : engine_(engine), options_(std::move(options)), dim_(dim) {
    if (options_.device != "cpu") context_.emplace(0);
  }

  std::string requests(size_t count) {
    const auto images = drawn_images(kLargest, image_size());
    const auto tally = std::make_shared<Tally>();
    const auto served = serve_images(engine_, options_, dim_);
    size_t asked = 0;
    const std::string found = watch("requests", (count + kLargest - 1) / kLargest, [&] {
      submit_images(*served->scheduler, images, kLargest, tally);
      asked += kLargest;
      // Two batches stay pending.
      require_completed(*tally, asked - std::min<size_t>(asked, 2 * kLargest));
    });
    require_completed(*tally, asked);
    return found;
  }

  std::string sessions(size_t count) {
    const auto image = drawn_images(1, image_size());
    return watch("sessions", count,
                 [&] { embed(*engine_.open(options_), views_of(image, image_size()), 1); });
  }

  bool flat() const { return flat_; }

 private:
  // Repeats a step `count` times and samples both memories after each one, except during warm-up.
  template <typename Step>
  std::string watch(const std::string& name, size_t count, Step&& step) {
    Samples gpu(kGpuGrowsMib), host(kHostGrowsMib);
    const auto warm_up = static_cast<size_t>(kWarmUpShare * static_cast<double>(count));
    for (size_t i = 0; i < count; ++i) {
      step();
      if (i < warm_up) continue;
      gpu.add(gpu_mib());
      host.add(host_mib());
    }
    const bool flat = gpu.flat() && host.flat();
    if (!flat) std::fprintf(stderr, "memory grew over %s\n", name.c_str());
    flat_ &= flat;
    return json_object({{"gpu", gpu.json()}, {"host", host.json()}});
  }

  int64_t image_size() const { return options_.input.shape.back(); }

  double gpu_mib() const {
    if (!context_) return 0;
    context_->make_current();
    const auto memory = context_->memory();
    return mib(memory.total - memory.free);
  }

  Engine& engine_;
  SessionOptions options_;
  int64_t dim_;
  std::optional<CudaContext> context_;
  bool flat_ = true;
};

bool run(Engine& engine, const std::vector<std::string>& arguments) {
  const VisionConfig config = tower_named(arguments[3]);
  const SessionOptions options = {.path = arguments[2] + "/soak.pt",
                                  .device = arguments[0],
                                  .threads = static_cast<int>(std::thread::hardware_concurrency()),
                                  .input = images_of(config.image_size),
                                  .max_batch = kLargest};
  write_synthetic_engine(engine, config, {Precision::kFp16}, options.path);
  Soak soak(engine, options, config.embedding_dim);
  const size_t requests = std::stoul(arguments[4]), sessions = std::stoul(arguments[5]);
  const std::string of_requests = soak.requests(requests), of_sessions = soak.sessions(sessions);
  std::printf("%s\n", json_object({{"requests", arguments[4]},
                                   {"sessions", arguments[5]},
                                   {"duringRequests", of_requests},
                                   {"duringSessions", of_sessions},
                                   {"passed", json_bool(soak.flat())}})
                          .c_str());
  return soak.flat();
}

}  // namespace
}  // namespace llm2clip

int main(int count, char** arguments) {
  if (count < 8) {
    std::fprintf(stderr, "soak_check DEVICE PLUGIN FOLDER TOWER REQUESTS SESSIONS LIBRARY…\n");
    return 2;
  }
  try {
    const auto engine = llm2clip::open_plugin(arguments[2], {arguments + 7, arguments + count});
    return llm2clip::run(*engine, {arguments + 1, arguments + 7}) ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
