#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "search/vector_rows.h"

namespace llm2clip {

// Rows that one thread takes at a time. They are few enough to stay in its second-level cache while
// the thread multiplies them with all queries.
struct Piece {
  const RowBlock* block;
  int64_t first, count;  // rows of the block
};

// The pieces of all rows. A thread takes the next piece when it has finished its last one, so that
// a thread on a busy core delays nobody. Each thread sees rows in ascending order.
class Pieces {
 public:
  explicit Pieces(const RowSnapshot& rows, const std::atomic<bool>* cancelled = nullptr);
  // Returns nullptr when no piece is left or the search is cancelled.
  const Piece* next();

 private:
  std::vector<Piece> pieces_;
  const std::atomic<bool>* cancelled_;
  std::atomic<size_t> next_ = 0;
};

// How many of `threads` are worth starting for this many queries.
int useful_threads(int threads, const RowSnapshot& rows, int64_t queries);

// Runs `body` on `threads` threads at once, including the caller's. Rethrows an exception of one of
// them.
void on_threads(int threads, const std::function<void()>& body);

}  // namespace llm2clip
