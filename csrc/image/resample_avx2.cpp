// The sums of the plain reference, two products per instruction. AVX2 multiplies pairs of int16 and
// adds them to int32, but weights have 23 bits. So each weight is split into a high and a low part,
// weight = high · 2¹¹ + low, whose sums are kept apart and joined at the end. All of it is integer
// arithmetic modulo 2³², so the bytes are the same.
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "image/resample.h"

namespace llm2clip {
namespace {

constexpr int kLowBits = 11;
constexpr int32_t kHalf = 1 << (Coefficients::kFractionBits - 1);

struct Parts {
  int16_t high, low;
};

Parts split(int32_t weight) {
  constexpr int32_t kRound = 1 << (kLowBits - 1);
  const int32_t high = (weight + kRound) >> kLowBits;
  return {static_cast<int16_t>(high), static_cast<int16_t>(weight - (high << kLowBits))};
}

// Eight sums, as sums of both parts of the weights.
struct Sums {
  __m256i high = _mm256_setzero_si256(), low = _mm256_setzero_si256();

  // Adds products of 16 bytes, widened to int16, with a pair of weights for each pair of them.
  void add(__m256i bytes, __m256i high_weights, __m256i low_weights) {
    high = _mm256_add_epi32(high, _mm256_madd_epi16(bytes, high_weights));
    low = _mm256_add_epi32(low, _mm256_madd_epi16(bytes, low_weights));
  }
  __m256i joined() const { return _mm256_add_epi32(_mm256_slli_epi32(high, kLowBits), low); }
};

// Rows are resized four at a time, so that four pixels share each weight that is loaded. A step of
// the sums takes four inputs of one output.
constexpr int kRows = 4;
constexpr int kTaps = 4;
constexpr int64_t kLoaded = 16;  // bytes that a step reads, from its first input on

// The weights of one step.
struct alignas(16) Step {
  std::array<int16_t, kTaps> high{}, low{};
};

// The steps of all outputs; those of output x begin at x · per_output.
struct Steps {
  explicit Steps(const Coefficients& columns)
      : per_output((columns.stride + kTaps - 1) / kTaps),
        all(columns.taps.size() * static_cast<size_t>(per_output)) {
    for (size_t x = 0; x < columns.taps.size(); ++x) {
      const int32_t* weights = columns.of(static_cast<int64_t>(x));
      Step* steps = all.data() + x * static_cast<size_t>(per_output);
      for (int i = 0; i < columns.taps[x].count; ++i) {
        const auto [high, low] = split(weights[i]);
        steps[i / kTaps].high[i % kTaps] = high;
        steps[i / kTaps].low[i % kTaps] = low;
      }
    }
  }

  int per_output;
  std::vector<Step> all;
};

// Selects the pixels of a step from 16 loaded bytes, as int16. For each channel there are two
// pairs: that of the first two pixels and that of the other two.
__m256i pixel_pairs(const PixelFormat& format) {
  constexpr int8_t kZero = -128;
  alignas(32) std::array<int8_t, 32> from;
  for (int byte = 0; byte < 32; ++byte) {
    const int channel = byte / 8, pixel = byte % 8 / 2;
    const bool is_high = byte % 2 == 1;
    from[byte] = is_high || channel >= format.channels
                     ? kZero
                     : static_cast<int8_t>(pixel * format.pixel + channel);
  }
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(from.data()));
}

// Repeats four weights for each channel.
__m256i for_each_channel(const std::array<int16_t, kTaps>& weights) {
  int64_t bits;
  std::memcpy(&bits, weights.data(), sizeof bits);
  return _mm256_set1_epi64x(bits);
}

// Rounds sums to integers.
__m256i scaled(__m256i sums) {
  return _mm256_srai_epi32(_mm256_add_epi32(sums, _mm256_set1_epi32(kHalf)),
                           Coefficients::kFractionBits);
}

// The pixels of four rows, from the sums of each channel's two pairs: 4 × [3 channels, padding].
__m128i to_pixels(const std::array<Sums, kRows>& sums) {
  const __m256i first = _mm256_hadd_epi32(sums[0].joined(), sums[1].joined());
  const __m256i second = _mm256_hadd_epi32(sums[2].joined(), sums[3].joined());
  // Lower half: the first two channels of each row; upper half: the third one and padding.
  const __m256i words = _mm256_packs_epi32(scaled(first), scaled(second));
  const __m128i bytes =
      _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  const __m128i by_row = _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
  return _mm_shuffle_epi8(bytes, by_row);
}

template <int channels>
void resample_four_rows(const std::array<const uint8_t*, kRows>& rows, const Coefficients& columns,
                        const Steps& steps, const PixelFormat& format,
                        const std::array<uint8_t*, kRows>& out) {
  const __m256i pairs = pixel_pairs(format);
  const int64_t step_bytes = int64_t{kTaps} * format.pixel;
  for (size_t x = 0; x < columns.taps.size(); ++x) {
    const auto& taps = columns.taps[x];
    const Step* step = steps.all.data() + x * static_cast<size_t>(steps.per_output);
    int64_t at = taps.first * format.pixel;
    std::array<Sums, kRows> sums;
    const Step* const end = step + (taps.count + kTaps - 1) / kTaps;
    do {
      const __m256i high = for_each_channel(step->high), low = for_each_channel(step->low);
      for (int r = 0; r < kRows; ++r) {
        const __m128i loaded = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[r] + at));
        sums[r].add(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(loaded), pairs), high, low);
      }
      at += step_bytes;
    } while (++step != end);
    alignas(16) std::array<uint8_t, 16> bytes;
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes.data()), to_pixels(sums));
    for (int r = 0; r < kRows; ++r) {
      std::memcpy(out[r] + x * channels, bytes.data() + r * 4, channels);
    }
  }
}

__m128i to_bytes(const Sums& first, const Sums& second) {
  // Packing works on halves of the registers; the permutation restores the order.
  const __m256i words = _mm256_permute4x64_epi64(
      _mm256_packs_epi32(scaled(first.joined()), scaled(second.joined())), _MM_SHUFFLE(3, 1, 2, 0));
  return _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

// A pair of weights of two successive rows, for vpmaddwd.
struct RowPair {
  int32_t high, low;
};

std::vector<RowPair> pairs_of(const int32_t* weights, int count) {
  std::vector<RowPair> pairs;
  for (int i = 0; i < count; i += 2) {
    const Parts first = split(weights[i]);
    const Parts second = i + 1 < count ? split(weights[i + 1]) : Parts{0, 0};
    const auto join = [](int16_t a, int16_t b) {
      return static_cast<int32_t>(static_cast<uint16_t>(a) |
                                  static_cast<uint32_t>(static_cast<uint16_t>(b)) << 16);
    };
    pairs.push_back({join(first.high, second.high), join(first.low, second.low)});
  }
  return pairs;
}

// Sixteen bytes of one output row. `input` points to these bytes in the first of `count` rows.
void resample_sixteen_columns(const uint8_t* input, int64_t length, int count,
                              const std::vector<RowPair>& pairs, uint8_t* out) {
  Sums first, second;
  for (size_t pair = 0; pair < pairs.size(); ++pair) {
    const int64_t row = static_cast<int64_t>(pair) * 2;
    const auto load = [&](int64_t y) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(input + y * length));
    };
    const __m128i a = load(row), b = load(std::min<int64_t>(row + 1, count - 1));
    const __m256i high = _mm256_set1_epi32(pairs[pair].high);
    const __m256i low = _mm256_set1_epi32(pairs[pair].low);
    first.add(_mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b)), high, low);
    second.add(_mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b)), high, low);
  }
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), to_bytes(first, second));
}

}  // namespace

void resample_rows_avx2(const PixelRows& source, const Coefficients& columns,
                        const PixelFormat& format, uint8_t* out) {
  const Steps steps(columns);
  const auto resample = format.channels == 1 ? resample_four_rows<1> : resample_four_rows<3>;
  const auto out_length = static_cast<int64_t>(columns.taps.size()) * format.channels;
  // A row's last steps may read beyond its end. Rows near the end of the source are copied to where
  // this is harmless.
  const int64_t copy_length = source.length + kLoaded;
  std::vector<uint8_t> copies(static_cast<size_t>(kRows * copy_length));
  for (int64_t y = 0; y < source.count; y += kRows) {
    std::array<const uint8_t*, kRows> rows;
    std::array<uint8_t*, kRows> outputs;
    for (int r = 0; r < kRows; ++r) {
      const int64_t row = std::min(y + r, source.count - 1);  // the last row may be repeated
      rows[r] = source.data + row * source.length;
      outputs[r] = out + row * out_length;
      if ((source.count - 1 - row) * source.length >= kLoaded) continue;
      rows[r] =
          std::copy_n(rows[r], source.length, copies.data() + r * copy_length) - source.length;
    }
    resample(rows, columns, steps, format, outputs);
  }
}

void resample_columns_avx2(const PixelRows& source, const Coefficients& rows, uint8_t* out) {
  constexpr int64_t kColumns = 16;
  const int64_t length = source.length;
  if (length < kColumns) return resample_columns_plain(source, rows, out);
  for (size_t y = 0; y < rows.taps.size(); ++y) {
    const auto& taps = rows.taps[y];
    const auto pairs = pairs_of(rows.of(static_cast<int64_t>(y)), taps.count);
    const uint8_t* input = source.data + (taps.first - source.first) * length;
    for (int64_t i = 0; i < length; i += kColumns) {
      const int64_t at = std::min(i, length - kColumns);  // the last ones may overlap
      resample_sixteen_columns(input + at, length, taps.count, pairs, out + at);
    }
    out += length;
  }
}

}  // namespace llm2clip
