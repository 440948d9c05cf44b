#include "engine/torchscript/tools/torchscript_tools.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>

#include <chrono>
#include <map>

#include "base/threads.h"
#include "engine/torchscript/session/torchscript_session.h"
#include "engine/torchscript/tools/operator_inputs.h"

namespace llm2clip {
namespace {

using Clock = std::chrono::steady_clock;

// Adds up the times of operators by name and shape. Operators that another operator calls are part
// of that one and not counted again.
class Recorder {
 public:
  void begin(const at::RecordFunction& function) {
    if (depth_++ > 0) return;
    const auto key = std::pair{std::string(function.name()), shape_of(function)};
    const auto [found, is_new] = places_.try_emplace(key, times_.size());
    if (is_new) times_.push_back({key.first, key.second, 0, 0});
    place_ = found->second;
    began_ = Clock::now();
  }

  void end() {
    if (--depth_ > 0) return;
    const std::chrono::duration<double> took = Clock::now() - began_;
    ++times_[place_].calls;
    times_[place_].seconds += took.count();
  }

  std::vector<OperatorTime> times() const { return times_; }

 private:
  // The shape of the first tensor and, for a linear layer, the last number, which is its number of
  // outputs.
  static std::vector<int64_t> shape_of(const at::RecordFunction& function) {
    const auto inputs = operator_inputs(function);
    if (inputs.empty() || !inputs.front().isTensor()) return {};
    auto shape = inputs.front().toTensor().sizes().vec();
    const bool is_linear = std::string(function.name()).ends_with("linear");
    if (is_linear && inputs.back().isInt()) shape.push_back(inputs.back().toInt());
    return shape;
  }

  int depth_ = 0;
  size_t place_ = 0;  // index in times_ of the running operator
  Clock::time_point began_;
  std::map<std::pair<std::string, std::vector<int64_t>>, size_t> places_;
  std::vector<OperatorTime> times_;  // in the order of their first call
};

thread_local Recorder* recorder = nullptr;

std::unique_ptr<at::ObserverContext> on_begin(const at::RecordFunction& function) {
  recorder->begin(function);
  return nullptr;
}

void on_end(const at::RecordFunction&, at::ObserverContext*) { recorder->end(); }

std::vector<OperatorTime> profile(const SessionOptions& options, const BatchView& batch,
                                  int64_t rounds) {
  const auto session = open_torchscript_session(options);
  session->run(batch);  // warm-up
  Recorder recording;
  recorder = &recording;
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(on_begin, on_end)
                                                     .needsInputs(true)
                                                     .scopes({at::RecordScope::FUNCTION}));
  const auto begin = Clock::now();
  for (int64_t round = 0; round < rounds; ++round) session->run(batch);
  const std::chrono::duration<double> took = Clock::now() - begin;
  at::removeCallback(handle);
  auto times = recording.times();
  times.push_back({"all", {count_of(batch)}, rounds, took.count()});
  return times;
}

}  // namespace

std::vector<OperatorTime> torchscript_profile(const SessionOptions& options, const BatchView& batch,
                                              int64_t rounds) {
  // Runs on a thread of its own, because the number of threads and the recorded times stay set for
  // the calling thread.
  return on_own_thread([&] { return profile(options, batch, rounds); });
}

}  // namespace llm2clip
