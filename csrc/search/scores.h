#pragma once

#include <cstddef>
#include <cstdint>

#include "search/queries.h"
#include "search/row_format.h"

namespace llm2clip {

// Dot products of rows with queries: scores [queries, row_count]. The score of a row and a query is
// the same to the last bit whatever other rows and queries are asked for with them; with rows of
// int8 it is the same by every kernel.
struct ScoreBlock {
  const std::byte* rows;  // [row_count], the format's stride apart, 64-byte aligned
  const float* scales;    // [row_count], of int8
  int64_t row_count;
  const Queries* queries;
  int64_t first_query, last_query;
  float* scores;  // [last_query − first_query, row_count]
};

using ScoreKernel = void (*)(const ScoreBlock& block);

// The reference.
void score_rows_plain(const ScoreBlock& block);

// Each for what its name says it needs: avx2 is all of x86-64-v3, which has F16C.
void score_rows_avx2(const ScoreBlock& block);
void score_rows_avx512(const ScoreBlock& block);
// Of int8 alone.
void score_rows_avx512_vnni(const ScoreBlock& block);

// By cpu_isa(); where that is the least, AVX2 if the processor has it.
ScoreKernel score_kernel(Storage storage);

}  // namespace llm2clip
