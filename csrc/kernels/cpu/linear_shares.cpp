#include "kernels/cpu/linear_shares.h"

#include <algorithm>

#include "kernels/cpu/panels.h"

namespace llm2clip {
namespace {

// The rows of a block stay in the shared cache while all panels are processed.
constexpr int64_t kMostRows = 100 * kTileRows;
constexpr int64_t kLeastRows = 8 * kTileRows;
constexpr int64_t kSharesPerThread = 4;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

LinearShares linear_shares(const LinearArguments& a, int64_t threads) {
  const int64_t panels = linear_panels(a.out);
  const int64_t wanted = ceil_div(threads * kSharesPerThread, panels);
  const int64_t possible = std::max<int64_t>(1, a.rows / kLeastRows);
  const int64_t blocks = std::max(std::min(wanted, possible), ceil_div(a.rows, kMostRows));
  const int64_t rows =
      std::max<int64_t>(1, ceil_div(ceil_div(a.rows, blocks), kTileRows)) * kTileRows;
  return {rows, ceil_div(a.rows, rows) * panels};
}

LinearShare linear_share(const LinearArguments& a, const LinearShares& shares, int64_t share) {
  const int64_t panels = linear_panels(a.out), panel = share % panels;
  const int64_t row = share / panels * shares.block_rows, column = panel * kTileColumns;
  return {panel,
          {row, std::min(shares.block_rows, a.rows - row), column,
           std::min(kTileColumns, a.out - column)}};
}

}  // namespace llm2clip
