#include <cmath>
#include <cstring>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/half.h"
#include "kernels/cpu/panel_places.h"
#include "kernels/cpu/panels.h"

namespace llm2clip {
namespace {

// The stored types: how a number is loaded as f32.
struct F32 {
  using Number = float;
  static float load_number(float x) { return x; }
};
struct Bf16 {
  using Number = uint16_t;
  static float load_number(uint16_t x) { return load(&x, 0); }
};
struct F16 {
  using Number = uint16_t;
  static float load_number(uint16_t x) { return half_to_float(x); }
};
struct Int8 {
  using Number = int8_t;
  static float load_number(int8_t x) { return x; }
};

// Calls body(i, column, number as f32) for inputs 0 to in − 1.
template <typename Type, typename Body>
void each_number(const std::byte* panel, int64_t in, const Body& body) {
  constexpr int64_t kGroup = 4 / sizeof(typename Type::Number);
  const auto* numbers = reinterpret_cast<const typename Type::Number*>(panel);
  for (int64_t i = 0; i < in; ++i) {
    const auto* own = numbers + i / kGroup * kTileColumns * kGroup + i % kGroup;
    for (int64_t column = 0; column < kTileColumns; ++column) {
      body(i, column, Type::load_number(own[column * kGroup]));
    }
  }
}

// Puts number `i` of an output into its group.
template <typename T>
void put(const PanelPlaces& places, int64_t i, int64_t column, T number) {
  constexpr int64_t kGroup = 4 / sizeof(T);
  const int64_t offset = i % kGroup * static_cast<int64_t>(sizeof(T));
  std::memcpy(place(places, i / kGroup, column) + offset, &number, sizeof(T));
}

template <typename Type>
void to_f32(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  each_number<Type>(panel, a.in, [&](int64_t i, int64_t column, float number) {
    put(places, i, column, number);
  });
}

void scaled_to_f32(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  float scales[kTileColumns] = {};
  for (int64_t c = 0; c < a.columns; ++c) scales[c] = a.scales[c];
  each_number<Int8>(panel, a.in, [&](int64_t i, int64_t column, float number) {
    put(places, i, column, number * scales[column]);
  });
}

template <typename Type>
void to_int16(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  const int64_t in = whole_groups(a.type, a.in);
  const auto* scales = reinterpret_cast<const float*>(panel + in / 2 * kPanelGroupBytes);
  float factors[kTileColumns];
  for (int64_t c = 0; c < kTileColumns; ++c) factors[c] = scales[c] > 0 ? 1 / scales[c] : 0;
  each_number<Type>(panel, in, [&](int64_t i, int64_t column, float number) {
    put(places, i, column, static_cast<int16_t>(std::lrint(number * factors[column])));
  });
}

uint16_t rounded_to_bf16(float number) {
  uint16_t rounded;
  store(&rounded, 0, number);
  return rounded;
}

void half_to_bf16(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  each_number<F16>(panel, whole_groups(a.type, a.in), [&](int64_t i, int64_t column, float number) {
    put(places, i, column, rounded_to_bf16(number));
  });
}

// Writes pairs of groups, with zeros from `in` on.
template <typename Type, typename Number, typename Convert>
void to_pairs(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a,
              const Convert& convert) {
  constexpr int64_t kPair = 8 / sizeof(Number);
  const int64_t stored = whole_groups(a.type, a.in), whole = whole_inputs(a.type, a.form, a.in);
  const auto write = [&](int64_t i, int64_t column, Number number) {
    const int64_t offset = i % kPair * static_cast<int64_t>(sizeof(Number));
    std::memcpy(pair_place(places, i / kPair, column) + offset, &number, sizeof(number));
  };
  each_number<Type>(panel, stored, [&](int64_t i, int64_t column, float number) {
    write(i, column, convert(number));
  });
  for (int64_t i = stored; i < whole; ++i) {
    for (int64_t column = 0; column < kTileColumns; ++column) write(i, column, Number{0});
  }
}

// Copies groups as they are, to other places.
void move_groups(const std::byte* panel, const PanelPlaces& places, int64_t groups) {
  for (int64_t i = 0; i < groups; ++i) {
    for (int64_t column = 0; column < kTileColumns; column += kStripColumns) {
      std::memcpy(place(places, i, column), panel + i * kPanelGroupBytes + column * 4,
                  kStripGroupBytes);
    }
  }
}

template <typename Type>
void unpack_16_bits(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  switch (a.form) {
    case PanelForm::kF32:
    case PanelForm::kF32Strips: return to_f32<Type>(panel, places, a);
    case PanelForm::kBf16: return half_to_bf16(panel, places, a);
    case PanelForm::kBf16Fours: return to_pairs<Type, uint16_t>(panel, places, a, rounded_to_bf16);
    default: return to_int16<Type>(panel, places, a);
  }
}

void unpack_int8(const std::byte* panel, const PanelPlaces& places, const PanelArguments& a) {
  switch (a.form) {
    case PanelForm::kF32:
    case PanelForm::kF32Strips: return scaled_to_f32(panel, places, a);
    case PanelForm::kInt8Strips: return move_groups(panel, places, whole_groups(a.type, a.in) / 4);
    case PanelForm::kInt8Eights:
      return to_pairs<Int8, int8_t>(panel, places, a,
                                    [](float x) { return static_cast<int8_t>(x); });
    default:
      return each_number<Int8>(panel, whole_groups(a.type, a.in),
                               [&](int64_t i, int64_t column, float number) {
                                 put(places, i, column, static_cast<int16_t>(number));
                               });
  }
}

}  // namespace

void unpack_panel_plain(const std::byte* panel, std::byte* to, const PanelArguments& a) {
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
