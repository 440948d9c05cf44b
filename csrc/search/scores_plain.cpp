#include <cstring>

#include "base/float_convert.h"
#include "search/score_tile.h"

namespace llm2clip {
namespace {

float number_at(const std::byte* row, int64_t i, Storage storage) {
  const Dtype dtype = storage == Storage::kFp16 ? Dtype::kF16 : Dtype::kF32;
  float number;
  to_float(dtype, row + static_cast<size_t>(i) * size_of(dtype), &number, 1);
  return number;
}

float dot(const std::byte* row, const float* query, const RowFormat& format) {
  float sum = 0;
  for (int64_t i = 0; i < format.dim; ++i) sum += number_at(row, i, format.storage) * query[i];
  return sum;
}

float dot_int8(const ScoreBlock& block, int64_t row, int64_t query) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(row_at(block, row));
  const int8_t *high = block.queries->high(query), *low = block.queries->low(query);
  int32_t highs = 0, lows = 0;
  for (int64_t i = 0; i < block.queries->format().dim; ++i) {
    highs += bytes[i] * high[i];
    lows += bytes[i] * low[i];
  }
  return score_of_sums(block, row, query, highs, lows);
}

}  // namespace

void score_rows_plain(const ScoreBlock& block) {
  const RowFormat& format = block.queries->format();
  for (int64_t query = block.first_query; query < block.last_query; ++query) {
    for (int64_t row = 0; row < block.row_count; ++row) {
      *score_at(block, row, query) =
          format.storage == Storage::kInt8
              ? dot_int8(block, row, query)
              : dot(row_at(block, row), block.queries->numbers(query), format);
    }
  }
}

}  // namespace llm2clip
