#pragma once

#include <atomic>
#include <vector>

#include "base/threads.h"
#include "ops/workers.h"

namespace llm2clip::testing {

// Threads that exist only while an operation runs.
class SomeWorkers final : public Workers {
 public:
  explicit SomeWorkers(int64_t count) : scratch_(static_cast<size_t>(count)) {}

  int64_t count() const override { return static_cast<int64_t>(scratch_.size()); }
  std::byte* scratch(int64_t worker, size_t bytes) override {
    return scratch_[static_cast<size_t>(worker)].of(bytes);
  }

 private:
  void run_shares(int64_t shares, Call* call, const void* body) override {
    std::atomic<int64_t> next = 0;
    const auto work = [&](int64_t worker) {
      for (int64_t share = next++; share < shares; share = next++) call(body, share, worker);
    };
    std::vector<std::jthread> others;
    for (int64_t worker = 1; worker < std::min(shares, count()); ++worker) {
      others.push_back(start_thread([work, worker] { work(worker); }));
    }
    work(0);
  }

  std::vector<Scratch> scratch_;
};

}  // namespace llm2clip::testing
