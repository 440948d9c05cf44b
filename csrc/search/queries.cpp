#include "search/queries.h"

#include <cmath>
#include <cstring>

#include "base/float_convert.h"

namespace llm2clip {
namespace {

// 127 · 256, so that the high byte of a rounded number cannot overflow.
constexpr double kMostRounded = 32512.0;

size_t bytes_a_query(const RowFormat& format) {
  const auto numbers = static_cast<size_t>(format.stride_numbers());
  return numbers * (format.storage == Storage::kInt8 ? 2 : sizeof(float));
}

}  // namespace

Queries::Queries(const float* vectors, int64_t count, const RowFormat& format)
    : format_(format),
      count_(count),
      memory_(allocate_aligned(static_cast<size_t>(count) * bytes_a_query(format), 64)) {
  std::memset(memory_.get(), 0, static_cast<size_t>(count) * bytes_a_query(format));
  const bool rounded = format.storage == Storage::kInt8;
  sums_.resize(static_cast<size_t>(rounded ? count : 0));
  scales_.resize(sums_.size());
  for (int64_t query = 0; query < count; ++query) {
    const float* vector = vectors + query * format.dim;
    if (rounded) {
      round_to_planes(vector, query);
    } else {
      std::memcpy(const_cast<float*>(numbers(query)), vector,
                  static_cast<size_t>(format.dim) * sizeof(float));
    }
  }
}

void Queries::round_to_planes(const float* vector, int64_t query) {
  const double most = max_magnitude(vector, static_cast<size_t>(format_.dim));
  const double scale = most / kMostRounded;
  int64_t sum = 0;
  for (int64_t i = 0; i < format_.dim; ++i) {
    const auto number = most > 0 ? std::lrint(static_cast<double>(vector[i]) / scale) : 0L;
    const auto low = static_cast<int8_t>(number & 0xff);
    plane(2 * query)[i] = static_cast<int8_t>((number - low) / 256);
    plane(2 * query + 1)[i] = low;
    sum += number;
  }
  sums_[static_cast<size_t>(query)] = sum;
  scales_[static_cast<size_t>(query)] = scale;
}

}  // namespace llm2clip
