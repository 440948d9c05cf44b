#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "kernels/cpu/panel_places.h"
#include "kernels/cpu/panels.h"

namespace llm2clip {
namespace {

// A register holds one group of eight outputs.
constexpr int64_t kOutputs = 8;
constexpr int64_t kRegisters = kTileColumns / kOutputs;  // of a group of the whole panel

// Calls body(group, first output, register) for all groups of a stored panel.
template <typename Body>
void each_register(const std::byte* panel, int64_t groups, Body body) {
  for (int64_t i = 0; i < groups; ++i) {
#pragma GCC unroll 8
    for (int64_t r = 0; r < kRegisters; ++r) {
      const std::byte* from = panel + i * kPanelGroupBytes + r * kOutputs * 4;
      body(i, r * kOutputs, _mm256_load_si256(reinterpret_cast<const __m256i*>(from)));
    }
  }
}

void put(const PanelPlaces& places, int64_t group, int64_t column, __m256i numbers) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(place(places, group, column)), numbers);
}
void put(const PanelPlaces& places, int64_t group, int64_t column, __m256 numbers) {
  put(places, group, column, _mm256_castps_si256(numbers));
}

// The two numbers of eight groups as f32.
struct Pair {
  __m256 even, odd;
};

struct Bf16 {
  static Pair widen(__m256i groups) {
    const __m256i high = _mm256_set1_epi32(static_cast<int>(0xffff0000));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(groups, 16)),
            _mm256_castsi256_ps(_mm256_and_si256(groups, high))};
  }
};

struct F16 {
  static Pair widen(__m256i groups) {
    const __m256i halves =
        _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15,  //
                         0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    const __m256i sorted = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(groups, halves), 0xd8);
    return {_mm256_cvtph_ps(_mm256_castsi256_si128(sorted)),
            _mm256_cvtph_ps(_mm256_extracti128_si256(sorted, 1))};
  }
};

// Pairs of the low 16 bits of each number.
__m256i join(__m256i even, __m256i odd) {
  return _mm256_blend_epi16(even, _mm256_slli_epi32(odd, 16), 0xaa);
}

template <typename Type>
void to_f32(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  each_register(panel, a.in / 2, [=](int64_t group, int64_t column, __m256i groups) {
    const Pair numbers = Type::widen(groups);
    put(places, 2 * group, column, numbers.even);
    put(places, 2 * group + 1, column, numbers.odd);
  });
  if (a.in % 2 == 0) return;
  each_register(panel + a.in / 2 * kPanelGroupBytes, 1,
                [=](int64_t, int64_t column, __m256i groups) {
                  put(places, a.in - 1, column, Type::widen(groups).even);
                });
}

// 1 / scale, or 0 for the scale 0.
void factors_of(const std::byte* scales, __m256* factors) {
  for (int64_t r = 0; r < kRegisters; ++r) {
    const __m256 scale = _mm256_load_ps(reinterpret_cast<const float*>(scales) + r * kOutputs);
    const __m256 is_positive = _mm256_cmp_ps(scale, _mm256_setzero_ps(), _CMP_GT_OQ);
    factors[r] = _mm256_and_ps(is_positive, _mm256_div_ps(_mm256_set1_ps(1), scale));
  }
}

template <typename Type>
void to_int16(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  const int64_t groups = whole_groups(a.type, a.in) / 2;
  __m256 factors[kRegisters];
  factors_of(panel + groups * kPanelGroupBytes, factors);
  each_register(panel, groups, [=](int64_t group, int64_t column, __m256i stored) {
    const Pair numbers = Type::widen(stored);
    const __m256 factor = factors[column / kOutputs];
    put(places, group, column,
        join(_mm256_cvtps_epi32(_mm256_mul_ps(numbers.even, factor)),
             _mm256_cvtps_epi32(_mm256_mul_ps(numbers.odd, factor))));
  });
}

// Rounds to bf16, to nearest even, in the low 16 bits.
__m256i rounded(__m256 numbers) {
  const __m256i bits = _mm256_castps_si256(numbers);
  const __m256i last = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i sum = _mm256_add_epi32(bits, _mm256_add_epi32(last, _mm256_set1_epi32(0x7fff)));
  return _mm256_srli_epi32(sum, 16);
}

void half_to_bf16(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  each_register(panel, whole_groups(a.type, a.in) / 2,
                [=](int64_t group, int64_t column, __m256i groups) {
                  const Pair numbers = F16::widen(groups);
                  put(places, group, column, join(rounded(numbers.even), rounded(numbers.odd)));
                });
}

void move_groups(const std::byte* panel, const PanelPlaces& places, int64_t groups) {
  each_register(panel, groups, [=](int64_t group, int64_t column, __m256i numbers) {
    put(places, group, column, numbers);
  });
}

// Number `i` of eight groups of four bytes, times the scales.
__m256 widened(__m256i groups, int i, __m256 scales) {
  const __m256i number = _mm256_srai_epi32(_mm256_slli_epi32(groups, 24 - 8 * i), 24);
  return _mm256_mul_ps(_mm256_cvtepi32_ps(number), scales);
}

void bytes_to_f32(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  alignas(32) float scales[kTileColumns] = {};
  std::copy_n(a.scales, a.columns, scales);
  each_register(panel, a.in / 4, [=](int64_t group, int64_t column, __m256i groups) {
    const __m256 scale = _mm256_load_ps(scales + column);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) put(places, 4 * group + i, column, widened(groups, i, scale));
  });
  each_register(panel + a.in / 4 * kPanelGroupBytes, a.in % 4 == 0 ? 0 : 1,
                [=](int64_t, int64_t column, __m256i groups) {
                  const __m256 scale = _mm256_load_ps(scales + column);
                  for (int i = 0; i < a.in % 4; ++i) {
                    put(places, a.in / 4 * 4 + i, column, widened(groups, i, scale));
                  }
                });
}

// Two bytes of each group become two int16 numbers: the bytes move to the high halves first.
void bytes_to_int16(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  const __m256i first =
      _mm256_setr_epi8(-1, 0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13,  //
                       -1, 0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13);
  const __m256i second =
      _mm256_setr_epi8(-1, 2, -1, 3, -1, 6, -1, 7, -1, 10, -1, 11, -1, 14, -1, 15,  //
                       -1, 2, -1, 3, -1, 6, -1, 7, -1, 10, -1, 11, -1, 14, -1, 15);
  each_register(
      panel, whole_groups(a.type, a.in) / 4, [=](int64_t group, int64_t column, __m256i groups) {
        put(places, 2 * group, column, _mm256_srai_epi16(_mm256_shuffle_epi8(groups, first), 8));
        put(places, 2 * group + 1, column,
            _mm256_srai_epi16(_mm256_shuffle_epi8(groups, second), 8));
      });
}

template <typename Type>
void unpack_16_bits(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  switch (a.form) {
    case PanelForm::kF32:
    case PanelForm::kF32Strips: return to_f32<Type>(panel, places, a);
    case PanelForm::kBf16: return half_to_bf16(panel, places, a);
    default: return to_int16<Type>(panel, places, a);
  }
}

void unpack_int8(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  switch (a.form) {
    case PanelForm::kF32:
    case PanelForm::kF32Strips: return bytes_to_f32(panel, places, a);
    case PanelForm::kInt8Strips: return move_groups(panel, places, whole_groups(a.type, a.in) / 4);
    default: return bytes_to_int16(panel, places, a);
  }
}

}  // namespace

void unpack_panel_avx2(const std::byte* panel, std::byte* to, const PanelArguments& a) {
  // No kernel of these instructions reads the forms of eight bytes.
  if (a.form == PanelForm::kInt8Eights || a.form == PanelForm::kBf16Fours) {
    return unpack_panel_plain(panel, to, a);
  }
  const PanelPlaces places = unpacked_places(to, a);
  switch (a.type) {
    case WeightType::kF32: move_groups(panel, places, a.in); break;
    case WeightType::kBf16: unpack_16_bits<Bf16>(panel, places, a); break;
    case WeightType::kF16: unpack_16_bits<F16>(panel, places, a); break;
    case WeightType::kInt8: unpack_int8(panel, places, a); break;
  }
  if (keeps_end(a.type, a.form)) {
    std::memcpy(to + unpacked_groups(a.type, a.form, a.in) * kPanelGroupBytes,
                panel + panel_bytes(a.type, a.in) - kPanelGroupBytes, kPanelGroupBytes);
  }
}

}  // namespace llm2clip
