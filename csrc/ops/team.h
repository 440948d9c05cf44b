#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/processors.h"
#include "ops/helper_pool.h"
#include "ops/workers.h"

namespace llm2clip {

// The thread that calls run() and helpers that it borrows for each run from the pool of the
// process. With shares for one thread only, no other thread is involved. Two teams may run at once,
// and then divide the processors. A run never waits for a helper that has not begun.
class Team final : public Workers {
 public:
  // At most `threads` threads work at once, and no more than `processors`.
  explicit Team(int64_t threads, int64_t processors = usable_processors());

  int64_t count() const override { return static_cast<int64_t>(scratch_.size()); }
  std::byte* scratch(int64_t worker, size_t bytes) override;

 private:
  void run_shares(int64_t shares, Call* call, const void* body) override;

  const int64_t processors_;
  std::vector<Scratch> scratch_;
  std::vector<Helper*> helpers_;  // of the current run
};

}  // namespace llm2clip
