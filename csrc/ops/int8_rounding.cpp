#include "ops/int8_rounding.h"

#include <algorithm>
#include <cmath>

#include "base/float_convert.h"

namespace llm2clip {
namespace {

float scale_of(std::span<const float> row) {
  return std::max(max_magnitude(row.data(), row.size()) / 127, 1e-30F);
}

}  // namespace

Int8Matrix rounded_to_int8(std::span<const float> matrix, int64_t columns) {
  const auto width = static_cast<size_t>(columns);
  Int8Matrix result;
  result.values.reserve(matrix.size());
  for (size_t begin = 0; begin < matrix.size(); begin += width) {
    const auto row = matrix.subspan(begin, width);
    const float scale = scale_of(row);
    for (const float number : row) {
      result.values.push_back(static_cast<int8_t>(std::nearbyint(number / scale)));
    }
    result.scales.push_back(scale);
  }
  return result;
}

void round_rows_as_int8(std::span<float> matrix, int64_t columns) {
  const auto width = static_cast<size_t>(columns);
  for (size_t begin = 0; begin < matrix.size(); begin += width) {
    const auto row = matrix.subspan(begin, width);
    const float scale = scale_of(row);
    for (float& number : row) number = std::nearbyint(number / scale) * scale;
  }
}

}  // namespace llm2clip
