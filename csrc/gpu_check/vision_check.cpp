#include "vision_check.h"

#include <algorithm>
#include <cstdio>
#include <future>
#include <sstream>
#include <thread>

#include "copy_times.h"
#include "json_text.h"
#include "session_check.h"
#include "synthetic_tower.h"

namespace llm2clip {
namespace {

constexpr int64_t kLargest = 64, kOnCpu = 4, kOddBatch = 5;

// Times of a small tower mean little. They only show that it runs.
struct Seconds {
  double a_batch, served;
};
Seconds seconds_for(const VisionConfig& config) {
  return config.width >= 1024 ? Seconds{2, 10} : Seconds{0.1, 1};
}

class Checker {
 public:
  explicit Checker(const VisionCheck& check)
      : check_(check),
        config_(tower_named(check.tower)),
        seconds_(seconds_for(config_)),
        images_(drawn_images(kLargest, config_.image_size)) {}

  bool run() {
    make_reference();
    std::vector<std::string> engines;
    for (const GatedPrecision& one : kGatedPrecisions) {
      if (!wanted(one)) continue;
      engines.push_back(check(one, false));
      if (check_.portable) engines.push_back(check(one, true));
    }
    std::printf("%s\n", json_object({{"tower", json_string(check_.tower)},
                                     {"engines", json_list(engines)},
                                     {"passed", json_bool(well_)}})
                            .c_str());
    return well_;
  }

 private:
  bool wanted(const GatedPrecision& one) const {
    return check_.precisions.empty() ||
           std::ranges::find(check_.precisions, one.name) != check_.precisions.end();
  }

  SessionOptions options(const std::string& file, const std::string& device) const {
    return {.path = check_.folder + "/" + file,
            .device = device,
            .threads = static_cast<int>(std::thread::hardware_concurrency()),
            .input = images_of(config_.image_size),
            .max_batch = kLargest};
  }

  Images images() const { return views_of(images_, config_.image_size); }

  void make_reference() {
    const SessionOptions how = options("reference.pt", "cpu");
    write_synthetic_engine(check_.reference, config_, {Precision::kFp32}, how.path);
    reference_ = embed(*check_.reference.open(how), images().some(0, kOnCpu), kOnCpu);
  }

  // Returns its findings as JSON and records failures.
  std::string check(const GatedPrecision& one, bool portable) {
    const std::string flavour = portable ? "portable" : "native";
    std::fprintf(stderr, "%s, %s, %s\n", check_.tower.c_str(), one.name, flavour.c_str());
    std::vector<JsonField> fields = {{"precision", json_string(one.name)},
                                     {"flavour", json_string(flavour)}};
    try {
      const SessionOptions how =
          options(std::string(one.name) + "-" + flavour + ".engine", check_.device);
      write_synthetic_engine(check_.checked, config_, {one.precision, portable, kLargest},
                             how.path);
      add_session(fields, one, how);
      fields.emplace_back(
          "servedPerSecond",
          json_number(served_rate(check_.checked, how, config_.embedding_dim, seconds_.served), 1));
    } catch (const std::exception& error) {
      well_ = false;
      std::fprintf(stderr, "%s\n", error.what());
      fields.emplace_back("error", json_string(error.what()));
    }
    return json_object(fields);
  }

  void add_session(std::vector<JsonField>& fields, const GatedPrecision& one,
                   const SessionOptions& how) {
    const auto session = check_.checked.open(how);
    fields.emplace_back("device", json_string(session->info().device));
    fields.emplace_back("kernels", json_strings(session->info().kernels));
    add_cosines(fields, one, *session);
    const auto times = time_batches(*session, images(), seconds_.a_batch);
    fields.emplace_back("batches", json_of(times));
    if (check_.device != "cpu") fields.emplace_back("stages", json_list(stages(times)));
  }

  void add_cosines(std::vector<JsonField>& fields, const GatedPrecision& one, Session& session) {
    const int64_t dim = config_.embedding_dim;
    const auto together = embed(session, images(), kLargest);
    const auto singly = embed(session, images(), 1);
    const auto odd = embed(session, images(), kOddBatch);
    const std::vector<float> some(together.begin(), together.begin() + kOnCpu * dim);
    const double to_fp32 = least_cosine(some, reference_, dim);
    const double singles = least_cosine(together, singly, dim);
    const double in_batches = std::min(singles, least_cosine(together, odd, dim));
    fields.emplace_back("cosineToFp32", json_number(to_fp32, 7));
    fields.emplace_back("leastCosine", json_number(one.least_cosine, 7));
    fields.emplace_back("cosineInBatches", json_number(in_batches, 7));
    // The comparison also rejects NaN.
    if (to_fp32 >= one.least_cosine && in_batches >= kSameInBatches) return;
    well_ = false;
    std::fprintf(stderr, "expected cosines of %.5f to fp32 and %.5f in batches, found %.7f, %.7f\n",
                 one.least_cosine, kSameInBatches, to_fp32, in_batches);
  }

  // For the smallest and the largest batch: the copies by the GPU's clock, and the rest of the run.
  std::vector<std::string> stages(const std::vector<BatchTime>& times) const {
    std::vector<std::string> all;
    for (const BatchTime& time : {times.front(), times.back()}) {
      // This runs on a separate thread, because it opens and releases a context that is not the
      // session's.
      const CopyTimes copies =
          std::async(std::launch::async, time_copies, time.batch * images().size,
                     time.batch * config_.embedding_dim)
              .get();
      const double rest = time.p50 - copies.to_device - copies.on_device - copies.to_host;
      all.push_back(json_object({{"batch", json_number(static_cast<double>(time.batch), 0)},
                                 {"toDeviceMs", json_number(copies.to_device, 4)},
                                 {"onDeviceMs", json_number(copies.on_device, 4)},
                                 {"toHostMs", json_number(copies.to_host, 4)},
                                 {"graphMs", json_number(rest, 4)}}));
    }
    return all;
  }

  const VisionCheck& check_;
  VisionConfig config_;
  Seconds seconds_;
  std::vector<float> images_, reference_;
  bool well_ = true;
};

}  // namespace

bool check_vision(const VisionCheck& check) { return Checker(check).run(); }

std::vector<std::string> split_names(const std::string& names) {
  std::vector<std::string> all;
  std::istringstream rest(names);
  for (std::string name; std::getline(rest, name, ',');) all.push_back(name);
  return all;
}

}  // namespace llm2clip
