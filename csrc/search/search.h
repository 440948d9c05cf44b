#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "search/scores.h"
#include "search/top_k.h"
#include "search/vector_rows.h"

namespace llm2clip {

struct SearchOptions {
  int64_t k;                           // ≥ 1
  int threads;                         // upper limit, including the caller's thread
  ScoreKernel kernel;                  // score_kernel() for the rows' storage
  const std::atomic<bool>* cancelled;  // may be nullptr; checked about every millisecond
};

// Returns the best k rows of each query, best first, or fewer when there are fewer rows. It reads
// the rows once. The result does not depend on the number of threads. After a cancellation the
// result is meaningless.
std::vector<std::vector<Hit>> search(const RowSnapshot& rows, const Queries& queries,
                                     const SearchOptions& options);

// Every score [queries, rows], including those of removed rows. The result is meaningless once
// `cancelled` is true.
std::vector<float> all_scores(const RowSnapshot& rows, const Queries& queries, int threads,
                              const std::atomic<bool>* cancelled = nullptr);

// The best rows for one query, and the divisor of the softmax over all rows' scores.
struct Ranking {
  std::vector<Hit> best;  // at most k, best first
  double power_sum;       // sum of exp(scale * (score - highest score)); 0 without rows
};

// Removed rows and NaN scores are left out. The result does not depend on the number of threads,
// and is meaningless once cancelled.
Ranking rank(const RowSnapshot& rows, const Queries& query, double scale,
             const SearchOptions& options);

}  // namespace llm2clip
