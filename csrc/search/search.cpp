#include "search/search.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "search/pieces.h"

namespace llm2clip {
namespace {

// How many queries' scores of a piece are held at a time.
constexpr int64_t kQueryGroup = 256;

// Computes the scores of one piece for a group of queries at a time, in the memory of one thread.
class PieceScores {
 public:
  PieceScores(const RowSnapshot& rows, const Queries& queries, ScoreKernel kernel)
      : rows_(rows), queries_(queries), kernel_(kernel) {}

  // Calls take(query, scores of the piece's rows) for each query.
  template <typename Take>
  void of(const Piece& piece, const Take& take) {
    const RowBlock& block = *piece.block;
    ScoreBlock work{block.memory.get() + static_cast<size_t>(piece.first) * rows_.format.stride(),
                    block.scales.empty() ? nullptr : block.scales.data() + piece.first,
                    piece.count,
                    &queries_,
                    0,
                    0,
                    nullptr};
    for (; work.first_query < queries_.count(); work.first_query = work.last_query) {
      work.last_query = std::min(queries_.count(), work.first_query + kQueryGroup);
      scores_.resize(static_cast<size_t>((work.last_query - work.first_query) * piece.count));
      work.scores = scores_.data();
      kernel_(work);
      for (int64_t query = work.first_query; query < work.last_query; ++query) {
        take(query, scores_.data() + (query - work.first_query) * piece.count);
      }
    }
  }

 private:
  const RowSnapshot& rows_;
  const Queries& queries_;
  ScoreKernel kernel_;
  std::vector<float> scores_;
};

// A flag per row of the piece: 1 when it is removed. Empty when no row is removed.
std::vector<uint8_t> removed_of(const RowSnapshot& rows, const Piece& piece) {
  if (!rows.removed) return {};
  std::vector<uint8_t> removed(static_cast<size_t>(piece.count));
  for (int64_t i = 0; i < piece.count; ++i) {
    removed[static_cast<size_t>(i)] = rows.is_removed(piece.block->first_row + piece.first + i);
  }
  return removed;
}

}  // namespace

std::vector<std::vector<Hit>> search(const RowSnapshot& rows, const Queries& queries,
                                     const SearchOptions& options) {
  const std::vector<TopK> none(static_cast<size_t>(queries.count()), TopK(options.k));
  std::vector<TopK> best = none;
  std::mutex mutex;
  Pieces pieces(rows, options.cancelled);
  on_threads(useful_threads(options.threads, rows, queries.count()), [&] {
    std::vector<TopK> own = none;
    PieceScores scores(rows, queries, options.kernel);
    while (const Piece* piece = pieces.next()) {
      const std::vector<uint8_t> removed = removed_of(rows, *piece);
      const auto first = static_cast<uint32_t>(piece->block->first_row + piece->first);
      scores.of(*piece, [&](int64_t query, const float* found) {
        own[static_cast<size_t>(query)].offer(found, piece->count, first,
                                              removed.empty() ? nullptr : removed.data());
      });
    }
    const std::lock_guard lock(mutex);
    for (size_t query = 0; query < own.size(); ++query) best[query].merge(own[query]);
  });
  std::vector<std::vector<Hit>> hits;
  hits.reserve(best.size());
  for (const TopK& of_query : best) hits.push_back(of_query.sorted());
  return hits;
}

std::vector<float> all_scores(const RowSnapshot& rows, const Queries& queries, int threads,
                              const std::atomic<bool>* cancelled) {
  std::vector<float> all(static_cast<size_t>(queries.count() * rows.count));
  const ScoreKernel kernel = score_kernel(rows.format.storage);
  Pieces pieces(rows, cancelled);
  on_threads(useful_threads(threads, rows, queries.count()), [&] {
    PieceScores scores(rows, queries, kernel);
    while (const Piece* piece = pieces.next()) {
      const int64_t first = piece->block->first_row + piece->first;
      scores.of(*piece, [&](int64_t query, const float* found) {
        std::copy_n(found, piece->count, all.data() + query * rows.count + first);
      });
    }
  });
  return all;
}

Ranking rank(const RowSnapshot& rows, const Queries& query, double scale,
             const SearchOptions& options) {
  std::vector<float> scores = all_scores(rows, query, options.threads, options.cancelled);
  if (rows.removed) {
    for (int64_t row = 0; row < rows.count; ++row) {
      if (rows.is_removed(row)) scores[static_cast<size_t>(row)] = std::nanf("");
    }
  }
  TopK best(options.k);
  best.offer(scores.data(), rows.count, 0, nullptr);
  Ranking ranking{best.sorted(), 0};
  if (ranking.best.empty()) return ranking;
  const double highest = ranking.best.front().score;
  for (const float score : scores) {
    if (!std::isnan(score)) ranking.power_sum += std::exp(scale * (score - highest));
  }
  return ranking;
}

}  // namespace llm2clip
