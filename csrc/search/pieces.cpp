#include "search/pieces.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>

#include "base/threads.h"

namespace llm2clip {
namespace {

constexpr size_t kRowsBytes = 256U << 10;
constexpr size_t kLeastRows = 4;  // the rows of one tile
// Smaller work is done sooner than another thread starts.
constexpr size_t kLeastBytesAThread = 1U << 20;
// Multiplying this many queries takes as long as reading the rows once.
constexpr int64_t kQueriesAReading = 4;

}  // namespace

Pieces::Pieces(const RowSnapshot& rows, const std::atomic<bool>* cancelled)
    : cancelled_(cancelled) {
  const auto most = static_cast<int64_t>(std::max(kLeastRows, kRowsBytes / rows.format.stride()));
  for (const auto& block : rows.blocks) {
    const int64_t count = rows.rows_in(*block);
    for (int64_t first = 0; first < count; first += most) {
      pieces_.push_back({block.get(), first, std::min(most, count - first)});
    }
  }
}

const Piece* Pieces::next() {
  if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) return nullptr;
  const size_t index = next_.fetch_add(1, std::memory_order_relaxed);
  return index < pieces_.size() ? &pieces_[index] : nullptr;
}

int useful_threads(int threads, const RowSnapshot& rows, int64_t queries) {
  const auto readings = static_cast<size_t>(std::max<int64_t>(1, queries / kQueriesAReading));
  const size_t bytes = static_cast<size_t>(rows.count) * rows.format.stride() * readings;
  return static_cast<int>(std::min(static_cast<size_t>(threads), 1 + bytes / kLeastBytesAThread));
}

void on_threads(int threads, const std::function<void()>& body) {
  std::mutex mutex;
  std::exception_ptr failure;
  const auto guarded = [&] {
    try {
      body();
    } catch (...) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    try {
      for (int i = 1; i < threads; ++i) others.push_back(start_thread(guarded));
    } catch (const Error&) {
      // If the system refuses more threads, the search is only slower.
    }
    guarded();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace llm2clip
