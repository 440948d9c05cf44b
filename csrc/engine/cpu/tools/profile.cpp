#include <chrono>
#include <map>

#include "engine/cpu/open_file.h"
#include "engine/cpu/tools/cpu_tools.h"

namespace llm2clip::cpu {
namespace {

using Clock = std::chrono::steady_clock;

// Adds up the times of steps by name and shape.
class Recorder final : public Runner::StepObserver {
 public:
  explicit Recorder(const Plan& plan) : plan_(plan) {}

  void begin() override { began_ = Clock::now(); }

  void end(const Step& step, ConstMatrix x) override {
    const std::chrono::duration<double> took = Clock::now() - began_;
    const auto key = std::pair{name_of(step), shape_of(step, x)};
    const auto [found, is_new] = places_.try_emplace(key, times_.size());
    if (is_new) times_.push_back({key.first, key.second, 0, 0});
    ++times_[found->second].calls;
    times_[found->second].seconds += took.count();
  }

  std::vector<OperatorTime> times() const { return times_; }

 private:
  static std::string name_of(const Step& step) {
    const auto* const linear = std::get_if<LinearStep>(&step);
    if (linear != nullptr && linear->scales) return "llm2clip::int8_linear";
    return std::visit([](const auto& one) { return "llm2clip::" + std::string(one.kName); }, step);
  }

  std::vector<int64_t> shape_of(const Step& step, ConstMatrix x) const {
    std::vector<int64_t> shape{x.rows, x.width};
    const auto* const linear = std::get_if<LinearStep>(&step);
    if (linear != nullptr) shape.push_back(plan_.at(linear->out).width);
    return shape;
  }

  const Plan& plan_;
  Clock::time_point began_;
  std::map<std::pair<std::string, std::vector<int64_t>>, size_t> places_;
  std::vector<OperatorTime> times_;  // in the order of their first call
};

}  // namespace

std::vector<OperatorTime> profile(const SessionOptions& options, const BatchView& batch,
                                  int64_t rounds) {
  OpenFile open(options);
  open.runner.embed(batch);  // warm-up
  Recorder recorder(open.file.plan());
  open.runner.set_step_observer(&recorder);
  const auto begin = Clock::now();
  for (int64_t round = 0; round < rounds; ++round) open.runner.embed(batch);
  const std::chrono::duration<double> took = Clock::now() - begin;
  open.file.require_intact();
  auto times = recorder.times();
  times.push_back({"all", {count_of(batch)}, rounds, took.count()});
  return times;
}

}  // namespace llm2clip::cpu
