#include <arm_neon.h>

#include <algorithm>
#include <cstring>

#include "kernels/cpu/panel_places.h"
#include "kernels/cpu/panels.h"

namespace llm2clip {
namespace {

// A register holds one group of four outputs.
constexpr int64_t kOutputs = 4;

uint32x4_t group_at(const std::byte* panel, int64_t group, int64_t column) {
  const std::byte* from = panel + group * kPanelGroupBytes + column * 4;
  return vld1q_u32(reinterpret_cast<const uint32_t*>(from));
}

// Calls body(group, first output, register) for groups first to last − 1 of a stored panel.
template <typename Body>
void each_register(const std::byte* panel, int64_t first, int64_t last, const Body& body) {
  for (int64_t i = first; i < last; ++i) {
#pragma GCC unroll 4
    for (int64_t column = 0; column < kTileColumns; column += kOutputs) {
      body(i, column, group_at(panel, i, column));
    }
  }
}

void put(const PanelPlaces& places, int64_t group, int64_t column, uint32x4_t numbers) {
  vst1q_u32(reinterpret_cast<uint32_t*>(place(places, group, column)), numbers);
}
void put(const PanelPlaces& places, int64_t group, int64_t column, float32x4_t numbers) {
  put(places, group, column, vreinterpretq_u32_f32(numbers));
}

// The two numbers of four groups as f32.
struct Pair {
  float32x4_t even, odd;
};

struct Bf16 {
  static Pair widen(uint32x4_t groups) {
    return {vreinterpretq_f32_u32(vshlq_n_u32(groups, 16)),
            vreinterpretq_f32_u32(vandq_u32(groups, vdupq_n_u32(0xffff0000)))};
  }
  static uint32x4_t to_bf16(uint32x4_t groups) { return groups; }
};

// Rounds to bf16, to nearest even, in the high 16 bits.
uint32x4_t rounded(float32x4_t numbers) {
  const uint32x4_t bits = vreinterpretq_u32_f32(numbers);
  const uint32x4_t last = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  return vaddq_u32(bits, vaddq_u32(last, vdupq_n_u32(0x7fff)));
}

struct F16 {
  static Pair widen(uint32x4_t groups) {
    return {vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(groups))),
            vcvt_f32_f16(vreinterpret_f16_u16(vshrn_n_u32(groups, 16)))};
  }
  static uint32x4_t to_bf16(uint32x4_t groups) {
    const Pair numbers = widen(groups);
    return vsriq_n_u32(rounded(numbers.odd), rounded(numbers.even), 16);
  }
};

template <typename Type>
void to_f32(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  const int64_t whole = a.in / 2;
  each_register(panel, 0, whole, [=](int64_t group, int64_t column, uint32x4_t groups) {
    const Pair numbers = Type::widen(groups);
    put(places, 2 * group, column, numbers.even);
    put(places, 2 * group + 1, column, numbers.odd);
  });
  each_register(panel, whole, (a.in + 1) / 2, [=](int64_t group, int64_t column, uint32x4_t x) {
    put(places, 2 * group, column, Type::widen(x).even);
  });
}

// Number `i` of four groups of four bytes, times the scales.
float32x4_t widened(uint32x4_t groups, int i, float32x4_t scales) {
  const int32x4_t highest = vshlq_s32(vreinterpretq_s32_u32(groups), vdupq_n_s32(24 - 8 * i));
  return vmulq_f32(vcvtq_f32_s32(vshrq_n_s32(highest, 24)), scales);
}

void bytes_to_f32(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  float scales[kTileColumns] = {};
  std::copy_n(a.scales, a.columns, scales);
  each_register(panel, 0, (a.in + 3) / 4, [&](int64_t group, int64_t column, uint32x4_t groups) {
    const float32x4_t scale = vld1q_f32(scales + column);
    const int count = static_cast<int>(std::min<int64_t>(4, a.in - 4 * group));
    for (int i = 0; i < count; ++i) put(places, 4 * group + i, column, widened(groups, i, scale));
  });
}

void move_groups(const std::byte* panel, const PanelPlaces& places, int64_t groups) {
  each_register(panel, 0, groups, [=](int64_t group, int64_t column, uint32x4_t numbers) {
    put(places, group, column, numbers);
  });
}

// Writes pairs of groups. The last group gets zeros if it has none to be paired with.
template <typename Convert>
void to_pairs(const std::byte* panel, const PanelPlaces& places, int64_t groups,
              const Convert& convert) {
  for (int64_t i = 0; i < groups; i += 2) {
    for (int64_t column = 0; column < kTileColumns; column += kOutputs) {
      const uint32x4_t first = convert(group_at(panel, i, column));
      const uint32x4_t second =
          i + 1 < groups ? convert(group_at(panel, i + 1, column)) : vdupq_n_u32(0);
      auto* const to = reinterpret_cast<uint32_t*>(pair_place(places, i / 2, column));
      vst1q_u32(to, vzip1q_u32(first, second));
      vst1q_u32(to + 4, vzip2q_u32(first, second));
    }
  }
}

// These return false for a form that no kernel of Arm reads.
template <typename Type>
bool unpack_16_bits(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  if (a.form == PanelForm::kF32 || a.form == PanelForm::kF32Strips) {
    to_f32<Type>(panel, places, a);
    return true;
  }
  if (a.form != PanelForm::kBf16Fours) return false;
  to_pairs(panel, places, whole_groups(a.type, a.in) / 2, Type::to_bf16);
  return true;
}

bool unpack_int8(const std::byte* panel, std::byte* to, const PanelArguments& a) {
  const PanelPlaces places = unpacked_places(to, a);
  const int64_t groups = whole_groups(a.type, a.in) / 4;
  switch (a.form) {
    case PanelForm::kF32:
    case PanelForm::kF32Strips: bytes_to_f32(panel, places, a); return true;
    case PanelForm::kInt8Eights:
      to_pairs(panel, places, groups, [](uint32x4_t x) { return x; });
      return true;
    case PanelForm::kInt8Strips:
      move_groups(panel, places, groups);
      std::memcpy(to + groups * kPanelGroupBytes, panel + groups * kPanelGroupBytes,
                  kPanelGroupBytes);
      return true;
    default: return false;
  }
}

bool unpack(const std::byte* panel, std::byte* to, const PanelArguments& a) {
  const PanelPlaces places = unpacked_places(to, a);
  switch (a.type) {
    case WeightType::kF32: move_groups(panel, places, a.in); return true;
    case WeightType::kBf16: return unpack_16_bits<Bf16>(panel, places, a);
    case WeightType::kF16: return unpack_16_bits<F16>(panel, places, a);
    case WeightType::kInt8: return unpack_int8(panel, to, a);
  }
  return false;
}

}  // namespace

void unpack_panel_neon(const std::byte* panel, std::byte* to, const PanelArguments& a) {
  if (!unpack(panel, to, a)) unpack_panel_plain(panel, to, a);
}

}  // namespace llm2clip
