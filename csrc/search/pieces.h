#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "search/vector_rows.h"

namespace llm2clip {

// Rows that one thread takes at a time: few enough to stay in its second-level cache while all
// queries are multiplied with them.
struct Piece {
  const RowBlock* block;
  int64_t first, count;  // rows of the block
};

// The pieces of all rows. Threads take the next one when they have done their last, so that a core
// that others use holds nobody up; each thread sees rows in ascending order.
class Pieces {
 public:
  explicit Pieces(const RowSnapshot& rows, const std::atomic<bool>* cancelled = nullptr);
  // nullptr when none is left, or it is cancelled.
  const Piece* next();

 private:
  std::vector<Piece> pieces_;
  const std::atomic<bool>* cancelled_;
  std::atomic<size_t> next_ = 0;
};

// How many of `threads` are worth their beginning for so many queries.
int useful_threads(int threads, const RowSnapshot& rows, int64_t queries);

// Runs `body` on so many threads at once, this one among them. Throws what one of them threw.
void on_threads(int threads, const std::function<void()>& body);

}  // namespace llm2clip
