#pragma once

#include <cstddef>
#include <cstdint>

#include "search/queries.h"
#include "search/row_format.h"

namespace llm2clip {

// Dot products of rows with queries: scores [queries, row_count]. The score of a row and a query is
// bit-identical whatever other rows and queries are in the same call. For int8 rows it is also the
// same with every kernel.
struct ScoreBlock {
  const std::byte* rows;  // [row_count], at the format's stride, 64-byte aligned
  const float* scales;    // [row_count], int8 only
  int64_t row_count;
  const Queries* queries;
  int64_t first_query, last_query;
  float* scores;  // [last_query − first_query, row_count]
};

using ScoreKernel = void (*)(const ScoreBlock& block);

// The plain reference.
void score_rows_plain(const ScoreBlock& block);

// The name says which instructions a kernel needs. avx2 means all of x86-64-v3, including F16C.
void score_rows_avx2(const ScoreBlock& block);
void score_rows_avx512(const ScoreBlock& block);
// For int8 rows only.
void score_rows_avx512_vnni(const ScoreBlock& block);

// Chosen by cpu_isa(). On x86 below kAvx512, the result is the AVX2 kernel if the processor has
// AVX2. On Arm it is the plain one.
ScoreKernel score_kernel(Storage storage);

}  // namespace llm2clip
