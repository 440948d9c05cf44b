#include "search/encode_rows.h"

#include <cmath>
#include <cstring>

#include "base/float_convert.h"

namespace llm2clip {
namespace {

// Numbers below this round to a finite f16. It is halfway between 65504 and 65536.
constexpr float kBeyondFp16 = 65520.0F;

// The scale gives the rounded row the length of the original row. So the score of a row of length 1
// with a query of length 1 is never above 1.
float encode_int8(const float* vector, uint8_t* out, int64_t dim) {
  constexpr float kMost = 127.0F;
  const float most = max_magnitude(vector, static_cast<size_t>(dim));
  // For a row of tiny (subnormal) numbers the quotient would be infinite.
  const float factor = most > 0 && std::isfinite(kMost / most) ? kMost / most : 0.0F;
  double squares = 0;
  int64_t rounded_squares = 0;
  for (int64_t i = 0; i < dim; ++i) {
    // The sum is positive, so truncation rounds to nearest.
    out[i] = static_cast<uint8_t>(static_cast<int32_t>(vector[i] * factor + 128.5F));
    const int32_t rounded = out[i] - 128;
    rounded_squares += rounded * rounded;
    squares += static_cast<double>(vector[i]) * static_cast<double>(vector[i]);
  }
  if (rounded_squares == 0) return 0.0F;
  return static_cast<float>(std::sqrt(squares) / std::sqrt(static_cast<double>(rounded_squares)));
}

}  // namespace

int64_t find_unfit_row(const float* vectors, int64_t rows, const RowFormat& format) {
  const auto dim = static_cast<size_t>(format.dim);
  for (int64_t row = 0; row < rows; ++row) {
    const float* vector = vectors + row * format.dim;
    if (!all_finite(vector, dim)) return row;
    if (format.storage == Storage::kFp16 && max_magnitude(vector, dim) >= kBeyondFp16) return row;
  }
  return -1;
}

float encode_row(const float* vector, std::byte* out, const RowFormat& format) {
  std::memset(out + format.row_bytes(), 0, format.stride() - format.row_bytes());
  switch (format.storage) {
    case Storage::kFp32: std::memcpy(out, vector, format.row_bytes()); return 1.0F;
    case Storage::kFp16:
      round_to_fp16(vector, reinterpret_cast<uint16_t*>(out), format.dim);
      return 1.0F;
    case Storage::kInt8: return encode_int8(vector, reinterpret_cast<uint8_t*>(out), format.dim);
  }
  return 1.0F;
}

}  // namespace llm2clip
