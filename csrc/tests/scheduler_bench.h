#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "fake_runner.h"
#include "serving/scheduler.h"

namespace llm2clip::testing {

inline constexpr size_t kSlot = 4;

inline std::string code_of(const std::exception_ptr& error) {
  if (!error) return "none";
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    return name(known.code());
  } catch (const std::exception& other) {
    return other.what();
  }
}

// A scheduler over a fake runner that can be held, and the requests submitted to it.
class Bench {
 public:
  explicit Bench(SchedulerOptions options, FakeRunner::Behaviour behaviour = {}) {
    options.slot_size = kSlot;
    auto inner = std::move(behaviour.before);
    behaviour.before = [this, inner](std::span<const float> pixels, int64_t batch) {
      {
        std::unique_lock lock(mutex_);
        ++runs;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !held_; });
        for (int64_t i = 0; i < batch; ++i) {
          order.push_back(pixels[static_cast<size_t>(i) * kSlot]);
        }
        sizes.push_back(batch);
      }
      if (inner) inner(pixels, batch);
    };
    scheduler = std::make_unique<Scheduler>(
        options, [behaviour] { return std::make_unique<FakeRunner>(behaviour, kSlot); });
  }

  std::shared_ptr<Outcome> submit(float pixel, Ticket ticket = {}) {
    auto outcome = submit_quietly(pixel, std::move(ticket));
    scheduler->wake();
    return outcome;
  }

  std::shared_ptr<Outcome> submit_quietly(float pixel, Ticket ticket = {}) {
    auto outcome = std::make_shared<Outcome>();
    if (!ticket.client) ticket.client = client;
    auto request = std::make_unique<FakeRequest>(
        pixel, outcome, std::static_pointer_cast<FakeClient>(ticket.client));
    last_id = scheduler->submit(std::move(request), std::move(ticket));
    return outcome;
  }

  std::string refusal(float pixel) {
    try {
      submit(pixel);
      return "none";
    } catch (...) {
      return code_of(std::current_exception());
    }
  }

  // From now on, runs are held before they begin.
  void stop_runs() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }

  // Holds runs and submits one image, which the held run takes.
  std::shared_ptr<Outcome> hold() {
    stop_runs();
    const size_t before = runs;
    auto outcome = submit(-1);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return runs > before; });
    return outcome;
  }

  void release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }

  // Waits until the next batch holds `count` requests. Requests submitted after that are ordered
  // behind them.
  void wait_until_forming(size_t count) {
    while (scheduler->stats().in_batches < count)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  std::shared_ptr<FakeClient> client = std::make_shared<FakeClient>();
  RequestId last_id = 0;
  size_t runs = 0;             // number of runs that began
  std::vector<float> order;    // first pixels, in the order of the runs
  std::vector<int64_t> sizes;  // batch sizes of the runs

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;

 public:
  std::unique_ptr<Scheduler> scheduler;  // destroyed first: its threads use the other members
};

}  // namespace llm2clip::testing
