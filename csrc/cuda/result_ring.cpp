#include "cuda/result_ring.h"

#include <algorithm>
#include <atomic>

namespace llm2clip {

std::shared_ptr<const ResultRing::Piece> ResultRing::next(size_t bytes) {
  const auto found = std::ranges::find_if(pieces_, [&](const auto& piece) {
    return piece.use_count() == 1 && piece->memory.bytes() >= bytes;
  });
  if (found != pieces_.end()) {
    // What the last reader read happened before what is written next.
    std::atomic_thread_fence(std::memory_order_acquire);
    return *found;
  }
  return pieces_.emplace_back(std::make_shared<const Piece>(context_, bytes));
}

}  // namespace llm2clip
