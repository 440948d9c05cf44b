#include "cuda/result_ring.h"

#include <bit>

namespace llm2clip {
namespace {

// Lends a piece to a reader. Destroying the last copy of the pointer returns the piece.
std::shared_ptr<const ResultRing::Piece> lent(const std::shared_ptr<ResultRing::Piece>& piece) {
  return {piece.get(), [piece](const ResultRing::Piece*) {
            piece->held.store(false, std::memory_order_release);
          }};
}

}  // namespace

std::shared_ptr<const ResultRing::Piece> ResultRing::next(size_t least) {
  const size_t bytes = std::bit_ceil(least);
  for (const auto& piece : pieces_) {
    if (piece->memory.bytes() < bytes) continue;
    // The acquire makes the last reader's reads happen before the next write.
    if (!piece->held.exchange(true, std::memory_order_acquire)) return lent(piece);
  }
  return lent(pieces_.emplace_back(std::make_shared<Piece>(context_, bytes)));
}

}  // namespace llm2clip
