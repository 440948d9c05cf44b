#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace llm2clip {

struct Hit {
  float score;
  uint32_t row;
};

// The higher score, then the lower row: an order of all hits, so that results do not depend on the
// order in which they are found.
inline bool better(const Hit& a, const Hit& b) {
  return a.score > b.score || (a.score == b.score && a.row < b.row);
}

// The best of what is offered, at most k ≥ 1. NaN is never among them.
class TopK {
 public:
  explicit TopK(int64_t k) : k_(static_cast<size_t>(k)) {}

  // Scores of rows first_row, first_row + 1, …; `removed`, of the same rows, or nullptr.
  void offer(const float* scores, int64_t count, uint32_t first_row, const uint8_t* removed);
  void merge(const TopK& other);
  // Best first.
  std::vector<Hit> sorted() const;

 private:
  void take(const Hit& hit);

  size_t k_;
  std::vector<Hit> heap_;            // its worst in front
  float least_ = -__builtin_inff();  // what a hit must have at least
};

}  // namespace llm2clip
