#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace llm2clip {

struct Hit {
  float score;
  uint32_t row;
};

// The higher score is better; for equal scores, the lower row. This is a total order, so results do
// not depend on the order in which hits are found.
inline bool better(const Hit& a, const Hit& b) {
  return a.score > b.score || (a.score == b.score && a.row < b.row);
}

// Keeps the best k ≥ 1 hits that it is offered. NaN is never kept.
class TopK {
 public:
  explicit TopK(int64_t k) : k_(static_cast<size_t>(k)) {}

  // Takes the scores of rows first_row, first_row + 1, …. `removed` has a flag for each of these
  // rows, or is nullptr.
  void offer(const float* scores, int64_t count, uint32_t first_row, const uint8_t* removed);
  void merge(const TopK& other);
  // Returns the hits, best first.
  std::vector<Hit> sorted() const;

 private:
  void take(const Hit& hit);

  size_t k_;
  std::vector<Hit> heap_;            // the worst hit is at the front
  float least_ = -__builtin_inff();  // a hit with a lower score is not kept
};

}  // namespace llm2clip
