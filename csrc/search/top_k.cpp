#include "search/top_k.h"

#include <algorithm>

namespace llm2clip {

void TopK::take(const Hit& hit) {
  if (heap_.size() < k_) {
    heap_.push_back(hit);
    std::push_heap(heap_.begin(), heap_.end(), better);
  } else if (better(hit, heap_.front())) {
    std::pop_heap(heap_.begin(), heap_.end(), better);
    heap_.back() = hit;
    std::push_heap(heap_.begin(), heap_.end(), better);
  }
  if (heap_.size() == k_) least_ = heap_.front().score;
}

void TopK::offer(const float* scores, int64_t count, uint32_t first_row, const uint8_t* removed) {
  for (int64_t i = 0; i < count; ++i) {
    if (!(scores[i] >= least_)) continue;  // also skips NaN
    if (removed != nullptr && removed[i] != 0) continue;
    take({scores[i], first_row + static_cast<uint32_t>(i)});
  }
}

void TopK::merge(const TopK& other) {
  for (const Hit& hit : other.heap_) take(hit);
}

std::vector<Hit> TopK::sorted() const {
  std::vector<Hit> hits = heap_;
  std::sort(hits.begin(), hits.end(), better);
  return hits;
}

}  // namespace llm2clip
