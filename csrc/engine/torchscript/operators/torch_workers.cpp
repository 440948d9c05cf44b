#include "engine/torchscript/operators/torch_workers.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <vector>

namespace llm2clip {
namespace {

class TorchWorkers final : public Workers {
 public:
  int64_t count() const override { return at::get_num_threads(); }

  std::byte* scratch(int64_t worker, size_t bytes) override {
    return scratch_[static_cast<size_t>(worker)].of(bytes);
  }

 private:
  void run_shares(int64_t shares, Call* call, const void* body) override {
    const int64_t threads = std::min(shares, count());
    if (scratch_.size() < static_cast<size_t>(count())) {
      scratch_.resize(static_cast<size_t>(count()));
    }
    std::atomic<int64_t> next = 0;
    at::parallel_for(0, threads, 1, [&](int64_t, int64_t) {
      const int64_t worker = at::get_thread_num();
      for (int64_t share = next++; share < shares; share = next++) call(body, share, worker);
    });
  }

  std::vector<Scratch> scratch_;
};

}  // namespace

Workers& torch_workers() {
  thread_local TorchWorkers workers;
  return workers;
}

}  // namespace llm2clip
