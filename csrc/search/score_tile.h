#pragma once

#include "search/scores.h"

namespace llm2clip {

// One loop for all kernels. Each kernel brings its `Product`: how much of rows and queries it reads
// at a time, and the instruction that adds up their products. Everything here is local to the file
// that includes it, because each such file is compiled for different instructions.

static inline const std::byte* row_at(const ScoreBlock& block, int64_t row) {
  return block.rows + static_cast<size_t>(row) * block.queries->format().stride();
}

static inline float* score_at(const ScoreBlock& block, int64_t row, int64_t query) {
  return block.scores + (query - block.first_query) * block.row_count + row;
}

// Combines the sums of a row's bytes times the query's high bytes and times its low bytes. Only the
// last step rounds.
static inline float score_of_sums(const ScoreBlock& block, int64_t row, int64_t query, int32_t high,
                                  int32_t low) {
  const int64_t sum = 256 * static_cast<int64_t>(high) + low - 128 * block.queries->sum(query);
  const double scale = block.queries->scale(query) * static_cast<double>(block.scales[row]);
  return static_cast<float>(static_cast<double>(sum) * scale);
}

// Keeps one sum per pair, whatever the tile's size, so that the size does not affect the results.
template <typename Product, int Rows, int Queries>
static void score_tile(const ScoreBlock& block, int64_t row, int64_t query) {
  typename Product::Sums sums[Rows][Queries];
  const std::byte* row_bytes[Rows];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    row_bytes[r] = row_at(block, row + r);
#pragma GCC unroll 8
    for (int q = 0; q < Queries; ++q) sums[r][q] = Product::zero();
  }
  const int64_t numbers = block.queries->format().stride_numbers();
  for (int64_t i = 0; i < numbers; i += Product::kStep) {
    typename Product::Row rows[Rows];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) rows[r] = Product::load_row(row_bytes[r], i);
#pragma GCC unroll 8
    for (int q = 0; q < Queries; ++q) {
      const typename Product::Query part = Product::load_query(*block.queries, query + q, i);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) Product::add(sums[r][q], rows[r], part);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (int q = 0; q < Queries; ++q) {
      *score_at(block, row + r, query + q) = Product::score(block, row + r, query + q, sums[r][q]);
    }
  }
}

// Multiplies a few rows, which stay in the first-level cache, with all queries.
template <typename Product, int Rows>
static void score_some_rows(const ScoreBlock& block, int64_t row) {
  int64_t query = block.first_query;
  for (; query + Product::kQueries <= block.last_query; query += Product::kQueries) {
    score_tile<Product, Rows, Product::kQueries>(block, row, query);
  }
  for (; query < block.last_query; ++query) score_tile<Product, Rows, 1>(block, row, query);
}

template <typename Product>
static void score_all_rows(const ScoreBlock& block) {
  int64_t row = 0;
  for (; row + Product::kRows <= block.row_count; row += Product::kRows) {
    score_some_rows<Product, Product::kRows>(block, row);
  }
  for (; row < block.row_count; ++row) score_some_rows<Product, 1>(block, row);
}

}  // namespace llm2clip
