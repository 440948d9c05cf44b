#pragma once

#include <cstdint>

#include "kernels/cpu/linear.h"

namespace llm2clip {

// One share of the work is one block of rows for one panel. The shares of a block are consecutive.
// linear_shares() cuts the work into enough shares for `threads` threads, and no rows into none.
struct LinearShares {
  int64_t block_rows, count;
};
LinearShares linear_shares(const LinearArguments& a, int64_t threads);

// The part of the work that one share is, and its panel.
struct LinearShare {
  int64_t panel;
  LinearBlock block;
};
LinearShare linear_share(const LinearArguments& a, const LinearShares& shares, int64_t share);

}  // namespace llm2clip
