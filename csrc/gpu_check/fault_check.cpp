// Checks how sessions behave when a GPU fails. Each process tests one fault, because some faults
// end the process.
//   fault_check PLUGIN FOLDER FAULT LIBRARY…
// FAULT is "memory-at-open" (the GPU has no room for a session, which opens later), "memory-at-run"
// (a batch finds no memory for its run) or "device-lost" (a kernel traps). Prints one JSON object.
// The exit code is 1 when a check fails.
#include <cstdio>
#include <functional>
#include <map>
#include <thread>

#include "cuda/context.h"
#include "engine/plugin.h"
#include "hungry_runner.h"
#include "image_requests.h"
#include "json_text.h"
#include "memory_filler.h"
#include "session_check.h"
#include "synthetic_tower.h"
#include "trap.h"

namespace llm2clip {
namespace {

constexpr int64_t kLargest = 64;
constexpr double kSecondsToSettle = 20, kSame = 0.9999;
constexpr size_t kMib = size_t{1} << 20;

// Collects what was expected, what was found, and whether they agree.
class Findings {
 public:
  void expect(const std::string& what, bool well, const std::string& found) {
    well_ &= well;
    if (!well) std::fprintf(stderr, "%s: found %s\n", what.c_str(), found.c_str());
    all_.push_back(json_object({{"expected", json_string(what)},
                                {"found", json_string(found)},
                                {"passed", json_bool(well)}}));
  }
  bool print(const std::string& fault) const {
    std::printf("%s\n", json_object({{"fault", json_string(fault)},
                                     {"findings", json_list(all_)},
                                     {"passed", json_bool(well_)}})
                            .c_str());
    return well_;
  }

 private:
  std::vector<std::string> all_;
  bool well_ = true;
};

struct Stage {
  Engine& engine;
  VisionConfig config;
  SessionOptions options;
  std::vector<float> images;
  Findings findings;

  std::vector<float> embeddings(Session& session) const {
    return embed(session, views_of(images, config.image_size), kLargest);
  }
};

// Returns "well" or the code of the error that was thrown. The error's message goes to standard
// error.
std::string outcome(const std::function<void()>& body) {
  try {
    body();
    return "well";
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return code_of(std::current_exception());
  }
}

std::string opened_with(Stage& stage, const CudaContext& context, size_t room) {
  const MemoryFiller filler(context, room);
  return outcome([&] { stage.embeddings(*stage.engine.open(stage.options)); });
}

// Tests a process that has not opened anything, and then the same process again, when libraries and
// kernels already hold their memory. With a little room left, either result is correct.
void memory_at_open(Stage& stage) {
  const CudaContext context(0);
  std::vector<float> first;
  for (const char* const when : {"the first time", "the second time"}) {
    for (const size_t room : {size_t{0}, 64 * kMib, 256 * kMib}) {
      const std::string found = opened_with(stage, context, room);
      const bool well = found == "ERR_OUT_OF_MEMORY" || (room > 0 && found == "well");
      stage.findings.expect("ERR_OUT_OF_MEMORY with " + std::to_string(room / kMib) +
                                " MiB left, " + when + (room > 0 ? ", or to open" : ""),
                            well, found);
    }
    std::vector<float> embeddings;
    const std::string found =
        outcome([&] { embeddings = stage.embeddings(*stage.engine.open(stage.options)); });
    if (first.empty()) first = embeddings;
    const double cosine = least_cosine(first, embeddings, stage.config.embedding_dim);
    stage.findings.expect("to open when the memory is free again, " + std::string(when),
                          found == "well" && cosine >= kSame,
                          found + ", cosine " + json_number(cosine, 7));
  }
}

// Serves a batch of 64. While it runs, image i takes mib(i) MiB.
std::string served_hungry(Stage& stage, const CudaContext& context, size_t room,
                          const std::function<float(size_t)>& mib) {
  auto images = stage.images;
  const size_t slot = images.size() / kLargest;
  for (size_t i = 0; i < kLargest; ++i) images[i * slot] = mib(i);
  const auto tally = std::make_shared<Tally>();
  Scheduler scheduler({.max_batch = kLargest, .slot_size = slot}, [&] {
    return std::make_unique<HungryRunner>(stage.engine.open(stage.options));
  });
  const MemoryFiller filler(context, room);
  submit_images(scheduler, images, kLargest, tally);
  tally->wait_for(kLargest, kSecondsToSettle);
  std::string found = in_words(*tally);
  // Afterwards the session must work as before.
  for (size_t i = 0; i < slot; ++i) images[i] = 0;
  const std::vector<float> one(images.begin(), images.begin() + static_cast<int64_t>(slot));
  const auto after = std::make_shared<Tally>();
  submit_images(scheduler, one, 1, after);
  after->wait_for(1, kSecondsToSettle);
  return found + "; then " + in_words(*after);
}

void memory_at_run(Stage& stage) {
  const CudaContext context(0);
  {
    const auto session = stage.engine.open(stage.options);
    const auto before = stage.embeddings(*session);
    const MemoryFiller filler(context, 0);
    std::vector<float> full;
    const std::string found = outcome([&] { full = stage.embeddings(*session); });
    const double cosine = least_cosine(before, full, stage.config.embedding_dim);
    stage.findings.expect("an open session to run where no memory is left",
                          found == "well" && cosine >= kSame,
                          found + ", cosine " + json_number(cosine, 7));
  }
  std::string found = served_hungry(stage, context, 768 * kMib, [](size_t) { return 16.0F; });
  stage.findings.expect("a batch that fits in halves to be completed",
                        found == "64 completed; then 1 completed", found);
  found = served_hungry(stage, context, 768 * kMib,
                        [](size_t i) { return i < kLargest / 2 ? 2.0F : 48.0F; });
  stage.findings.expect("only the half to fail that does not fit",
                        found == "32 completed, 32 ERR_OUT_OF_MEMORY; then 1 completed", found);
}

// Submits up to `batches` batches, and stops when one is refused.
void ask(Stage& stage, Scheduler& scheduler, const std::shared_ptr<Tally>& tally, int batches) {
  for (int i = 0; i < batches; ++i) {
    const auto submit = [&] { submit_images(scheduler, stage.images, kLargest, tally); };
    if (outcome(submit) != "well") return;
  }
}

bool all_settled(Scheduler& scheduler, Tally& tally) {
  return tally.wait_for(scheduler.stats().submitted, kSecondsToSettle);
}

// Returns the error's code, for example "ERR_DEVICE_LOST", whether the request is refused or fails.
std::string asked_once(Stage& stage, Scheduler& scheduler) {
  const auto tally = std::make_shared<Tally>();
  const size_t slot = stage.images.size() / kLargest;
  const std::vector<float> one(stage.images.begin(),
                               stage.images.begin() + static_cast<int64_t>(slot));
  const std::string refused = outcome([&] { submit_images(scheduler, one, 1, tally); });
  if (refused != "well") return refused;
  tally->wait_for(1, kSecondsToSettle);
  return tally->failed().empty() ? in_words(*tally) : tally->failed().begin()->first;
}

constexpr const char* kLost = "ERR_DEVICE_LOST";

// Launches a trap with requests queued before and after it.
void lose_device(Stage& stage, Scheduler& scheduler, const std::shared_ptr<Tally>& tally) {
  const CudaStream stream;
  ask(stage, scheduler, tally, 4);
  launch_trap(stream.handle());
  ask(stage, scheduler, tally, 64);
  const std::string found = outcome([&] { stream.synchronize(); });
  stage.findings.expect("ERR_DEVICE_LOST from the kernel's own stream", found == kLost, found);
}

void device_lost(Stage& stage) {
  const CudaContext context(0);
  const auto served = serve_images(stage.engine, stage.options, stage.config.embedding_dim);
  Scheduler& scheduler = *served->scheduler;
  const auto tally = std::make_shared<Tally>();
  ask(stage, scheduler, tally, 4);
  const bool before = all_settled(scheduler, *tally) && tally->failed().empty();
  stage.findings.expect("all requests to be completed before", before, in_words(*tally));
  lose_device(stage, scheduler, tally);
  const std::string later = asked_once(stage, scheduler);
  stage.findings.expect("ERR_DEVICE_LOST for what is asked later", later == kLost, later);
  const bool settled = all_settled(scheduler, *tally);
  const auto failed = tally->failed();
  const bool only_lost = failed.empty() || (failed.size() == 1 && failed.contains(kLost));
  stage.findings.expect("every request to be completed or ERR_DEVICE_LOST", settled && only_lost,
                        in_words(*tally));
  const std::string again = outcome([&] { stage.engine.open(stage.options); });
  stage.findings.expect("ERR_DEVICE_LOST from another session", again == kLost, again);
  scheduler.close();
}

bool run(Engine& engine, const std::string& folder, const std::string& fault) {
  const std::map<std::string, void (*)(Stage&)> faults = {{"memory-at-open", memory_at_open},
                                                          {"memory-at-run", memory_at_run},
                                                          {"device-lost", device_lost}};
  const VisionConfig config = tower_named("eva02-small");
  Stage stage{engine,
              config,
              {.path = folder + "/fault.pt",
               .device = "cuda",
               .threads = static_cast<int>(std::thread::hardware_concurrency()),
               .input = images_of(config.image_size),
               .max_batch = kLargest},
              drawn_images(kLargest, config.image_size),
              {}};
  write_synthetic_engine(engine, config, {Precision::kFp16}, stage.options.path);
  const auto found = faults.find(fault);
  if (found == faults.end())
    throw Error(ErrorCode::kInvalidArg, "expected a fault, found " + fault);
  found->second(stage);
  return stage.findings.print(fault);
}

}  // namespace
}  // namespace llm2clip

int main(int count, char** arguments) {
  if (count < 5) {
    std::fprintf(stderr, "fault_check PLUGIN FOLDER FAULT LIBRARY…\n");
    return 2;
  }
  try {
    const auto engine = llm2clip::open_plugin(arguments[1], {arguments + 4, arguments + count});
    return llm2clip::run(*engine, arguments[2], arguments[3]) ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
