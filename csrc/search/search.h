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
  int threads;                         // at most so many, the caller's among them
  ScoreKernel kernel;                  // score_kernel() of the rows' storage
  const std::atomic<bool>* cancelled;  // or nullptr; looked at between pieces of a millisecond
};

// The best k rows of each query, best first; fewer where there are not so many. One pass over the
// rows. The same whatever the number of threads. What it gives once cancelled means nothing.
std::vector<std::vector<Hit>> search(const RowSnapshot& rows, const Queries& queries,
                                     const SearchOptions& options);

// Every score: [queries, rows], whatever is removed. What it gives once cancelled means nothing.
std::vector<float> all_scores(const RowSnapshot& rows, const Queries& queries, int threads,
                              const std::atomic<bool>* cancelled = nullptr);

// The best rows of one query, and what the softmax of all rows' scores divides by.
struct Ranking {
  std::vector<Hit> best;  // best first, at most k
  double power_sum;       // sum of exp(scale * (score - highest score)); of no rows 0
};

// Rows that are removed, and scores that are NaN, count for nothing. The same whatever the number of
// threads. What it gives once cancelled means nothing.
Ranking rank(const RowSnapshot& rows, const Queries& query, double scale,
             const SearchOptions& options);

}  // namespace llm2clip
