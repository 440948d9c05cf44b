#pragma once

#include <algorithm>

#include "kernels/cpu/linear.h"

namespace llm2clip {

// The part of a linear that one share computes.
struct LinearBlock {
  LinearBlock(const LinearArguments& a, const LinearShares& shares, int64_t share)
      : panel(share % linear_panels(a.out)),
        row(share / linear_panels(a.out) * shares.block_rows),
        rows(std::min(shares.block_rows, a.rows - row)),
        column(panel * kTileColumns),
        columns(std::min(kTileColumns, a.out - column)) {}

  int64_t panel;
  int64_t row, rows;        // first row, number of rows
  int64_t column, columns;  // first output, number of outputs
};

}  // namespace llm2clip
