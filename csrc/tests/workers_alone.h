#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/workers.h"

namespace llm2clip::testing {

// Pretends to have several threads, and runs all shares backwards on the calling one.
class WorkersAlone final : public Workers {
 public:
  explicit WorkersAlone(int64_t count) : scratch_(static_cast<size_t>(count)) {}

  int64_t count() const override { return static_cast<int64_t>(scratch_.size()); }
  std::byte* scratch(int64_t worker, size_t bytes) override {
    return scratch_[static_cast<size_t>(worker)].of(bytes);
  }

 private:
  void run_shares(int64_t shares, Call* call, const void* body) override {
    for (int64_t share = shares - 1; share >= 0; --share) call(body, share, share % count());
  }

  std::vector<Scratch> scratch_;
};

}  // namespace llm2clip::testing
