#include <algorithm>

#include "image/resample.h"

namespace llm2clip {
namespace {

constexpr int32_t kHalf = 1 << (Coefficients::kFractionBits - 1);

uint8_t to_byte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> Coefficients::kFractionBits, 0, 255));
}

}  // namespace

void resample_rows_plain(const PixelRows& source, const Coefficients& columns,
                         const PixelFormat& format, uint8_t* out) {
  for (int64_t y = 0; y < source.count; ++y) {
    const uint8_t* row = source.data + y * source.length;
    for (size_t x = 0; x < columns.taps.size(); ++x) {
      const auto& taps = columns.taps[x];
      const int32_t* weights = columns.of(static_cast<int64_t>(x));
      for (int c = 0; c < format.channels; ++c) {
        const uint8_t* input = row + taps.first * format.pixel + c;
        int32_t sum = kHalf;
        for (int i = 0; i < taps.count; ++i) sum += weights[i] * input[i * format.pixel];
        *out++ = to_byte(sum);
      }
    }
  }
}

void resample_columns_plain(const PixelRows& source, const Coefficients& rows, uint8_t* out) {
  for (size_t y = 0; y < rows.taps.size(); ++y) {
    const auto& taps = rows.taps[y];
    const int32_t* weights = rows.of(static_cast<int64_t>(y));
    const uint8_t* input = source.data + (taps.first - source.first) * source.length;
    for (int64_t i = 0; i < source.length; ++i) {
      int32_t sum = kHalf;
      for (int row = 0; row < taps.count; ++row) {
        sum += weights[row] * input[row * source.length + i];
      }
      *out++ = to_byte(sum);
    }
  }
}

}  // namespace llm2clip
