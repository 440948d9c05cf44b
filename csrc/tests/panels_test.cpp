#include "panels_test.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/float_convert.h"
#include "compare.h"
#include "kernels/cpu/half.h"
#include "ops/linear_kernels.h"
#include "packed_weight.h"

namespace llm2clip {
namespace {

using testing::Aligned;
using testing::PackedWeight;
using testing::random_numbers;

struct Size {
  int64_t out, in;
};

const char* name(WeightType type) {
  switch (type) {
    case WeightType::kF32: return "f32";
    case WeightType::kBf16: return "bf16";
    case WeightType::kF16: return "f16";
    case WeightType::kInt8: return "int8";
  }
  return "?";
}

void report(bool same, const std::string& what, WeightType type, const Size& size) {
  EXPECT(same);
  std::printf("%s %s of %s [%lld, %lld]\n", same ? "ok" : "FAILED", what.c_str(), name(type),
              static_cast<long long>(size.out), static_cast<long long>(size.in));
}

// Numbers [out, in] in a stored type. The first output is zero, the others are larger one by one.
template <typename T>
std::vector<T> numbers(WeightType type, const Size& size) {
  std::vector<T> result;
  const auto random = random_numbers(size.out * size.in, 2.0F);
  for (int64_t i = 0; i < size.out * size.in; ++i) {
    const float number = random[i] * static_cast<float>(i / size.in);
    T stored;
    if constexpr (sizeof(T) == 2) {
      const auto dtype = type == WeightType::kBf16 ? Dtype::kBF16 : Dtype::kF16;
      from_float(&number, dtype, reinterpret_cast<std::byte*>(&stored), 1);
    } else if constexpr (sizeof(T) == 1) {
      stored = static_cast<T>(std::fmod(number, 128.0F));
    } else {
      stored = number;
    }
    result.push_back(stored);
  }
  return result;
}

template <typename T>
float to_f32(WeightType type, T number) {
  if constexpr (sizeof(T) == 2) {
    return type == WeightType::kBf16 ? load(&number, 0) : half_to_float(number);
  } else {
    return number;
  }
}

// The weights of one output as f32.
template <typename T>
std::vector<float> output(const std::vector<T>& weight, WeightType type, const Size& size,
                          int64_t column) {
  std::vector<float> row;
  for (int64_t i = 0; i < size.in; ++i) {
    row.push_back(to_f32(type, weight[column * size.in + i]));
  }
  return row;
}

// Number `i` of a column. strip: the columns of a strip, or 64. bytes: of an output's group.
template <typename T>
T number_at(const std::byte* panel, int64_t strip, int64_t depth, int64_t i, int64_t column,
            int64_t bytes = 4) {
  const int64_t per_group = bytes / static_cast<int64_t>(sizeof(T));
  const int64_t groups = (depth + per_group - 1) / per_group;
  const int64_t group = (column / strip * groups + i / per_group) * strip + column % strip;
  T number;
  std::memcpy(&number, panel + group * bytes + i % per_group * static_cast<int64_t>(sizeof(T)),
              sizeof(T));
  return number;
}

float int16_scale(const std::vector<float>& row) {
  constexpr int64_t kBudget = std::numeric_limits<int32_t>::max() / kMostInt16 - kInt16Depth / 2;
  float most = 0, most_sum = 0, sum = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    if (i % kInt16Depth == 0) sum = 0;
    sum += std::abs(row[i]);
    most = std::max(most, std::abs(row[i]));
    most_sum = std::max(most_sum, sum);
  }
  return std::max(most_sum / kBudget, most / std::numeric_limits<int16_t>::max());
}

template <typename T>
bool is_packed(const PackedWeight& packed, const std::vector<T>& weight, const Size& size) {
  bool same = true;
  const int64_t depth = whole_groups(packed.type, size.in);
  for (int64_t column = 0; column < linear_panels(size.out) * kTileColumns; ++column) {
    const std::byte* panel =
        packed.panels.get() + column / kTileColumns * panel_bytes(packed.type, size.in);
    const int64_t own = column % kTileColumns;
    for (int64_t i = 0; i < depth; ++i) {
      const bool is_there = column < size.out && i < size.in;
      same = same && number_at<T>(panel, kTileColumns, depth, i, own) ==
                         (is_there ? weight[column * size.in + i] : T{0});
    }
    const std::byte* end = panel + panel_bytes(packed.type, size.in) - kPanelGroupBytes + own * 4;
    const auto row = column < size.out ? output(weight, packed.type, size, column)
                                       : std::vector<float>(static_cast<size_t>(size.in));
    if constexpr (sizeof(T) == 2) {
      const float scale = int16_scale(row);
      same = same && std::memcmp(end, &scale, sizeof(scale)) == 0;
    } else if constexpr (sizeof(T) == 1) {
      int32_t sum = 0;
      for (const float number : row) sum -= 128 * static_cast<int32_t>(number);
      same = same && std::memcmp(end, &sum, sizeof(sum)) == 0;
    }
  }
  return same;
}

// What `form` holds of a weight, as a number of To.
template <typename To>
To converted(const PackedWeight& packed, float number, float scale) {
  if constexpr (std::is_same_v<To, float>) {
    return packed.type == WeightType::kInt8 ? number * scale : number;
  } else if constexpr (std::is_same_v<To, uint16_t>) {
    To rounded;
    store(&rounded, 0, number);
    return rounded;
  } else {
    const bool rounds = packed.type != WeightType::kInt8;
    return static_cast<To>(rounds && scale > 0 ? std::lrint(number * (1 / scale))
                                               : std::lrint(number));
  }
}

template <typename To, typename T>
void test_form(PanelForm form, const PackedWeight& packed, const std::vector<T>& weight,
               const std::string& what) {
  const Size size{packed.out, packed.in};
  const bool in_panels =
      form == PanelForm::kF32 || form == PanelForm::kInt16 || form == PanelForm::kBf16;
  const bool in_pairs = form == PanelForm::kInt8Eights || form == PanelForm::kBf16Fours;
  const int64_t strip = in_panels ? kTileColumns : kStripColumns, bytes_of_group = in_pairs ? 8 : 4;
  const int64_t depth = sizeof(To) == 4 ? size.in : whole_inputs(packed.type, form, size.in);
  const auto scales = random_numbers(size.out);
  bool same = true;
  for (int64_t column = 0; column < size.out; ++column) {
    if (column % 5 != 0 && column < size.out - 3) continue;  // only some, for speed
    const auto panel = packed.panel(column / kTileColumns, form, scales.data());
    const auto row = output(weight, packed.type, size, column);
    const float scale = packed.type == WeightType::kInt8 ? scales[column] : int16_scale(row);
    for (int64_t i = 0; i < depth; ++i) {
      const To expected = converted<To>(packed, i < size.in ? row[i] : 0.0F, scale);
      same = same && number_at<To>(panel.get(), strip, depth, i, column % kTileColumns,
                                   bytes_of_group) == expected;
    }
  }
  report(same, "plain " + what, packed.type, size);
  const auto unpack = fastest_unpack_panel();
  if (unpack == unpack_panel_plain) return;
  same = true;
  for (int64_t number = 0; number < linear_panels(size.out); ++number) {
    const auto expected = packed.panel(number, form, scales.data());
    const int64_t bytes = unpacked_bytes(packed.type, form, size.in),
                  column = number * kTileColumns;
    Aligned<std::byte> found(bytes);
    unpack(packed.panels.get() + number * panel_bytes(packed.type, size.in), found.get(),
           {packed.type, form, size.in, scales.data() + column,
            std::min(kTileColumns, size.out - column)});
    same = same && std::memcmp(expected.get(), found.get(), static_cast<size_t>(bytes)) == 0;
  }
  report(same, "fastest " + what, packed.type, size);
}

template <typename T>
void test_type(WeightType type, const Size& size) {
  const auto weight = numbers<T>(type, size);
  const PackedWeight packed(type, weight, size.out, size.in);
  report(is_packed(packed, weight, size), "packing", type, size);
  test_form<float>(PanelForm::kF32Strips, packed, weight, "strips of f32");
  if (type == WeightType::kF32) return;
  test_form<float>(PanelForm::kF32, packed, weight, "f32");
  test_form<int16_t>(PanelForm::kInt16Strips, packed, weight, "strips of int16");
  if constexpr (sizeof(T) == 1) {
    test_form<int8_t>(PanelForm::kInt8Strips, packed, weight, "strips of int8");
    test_form<int8_t>(PanelForm::kInt8Eights, packed, weight, "eights of int8");
  } else {
    test_form<int16_t>(PanelForm::kInt16, packed, weight, "int16");
    test_form<uint16_t>(PanelForm::kBf16Fours, packed, weight, "fours of bf16");
    if (type == WeightType::kF16) test_form<uint16_t>(PanelForm::kBf16, packed, weight, "bf16");
  }
}

// Every f16 number that is not NaN.
void test_half() {
  bool same = true;
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    if ((bits & 0x7fffU) > 0x7c00U) continue;
    const auto half = static_cast<uint16_t>(bits);
    float expected;
    to_float(Dtype::kF16, reinterpret_cast<const std::byte*>(&half), &expected, 1);
    const float found = half_to_float(half);
    same = same && std::memcmp(&expected, &found, sizeof(found)) == 0;
  }
  report(same, "widening", WeightType::kF16, {1, 1 << 16});
}

}  // namespace

void test_panels() {
  test_half();
  for (const int64_t out : {1, 17, 64, 150}) {
    for (const int64_t in : {1, 2, 3, 4, 37, 70, 512, 1035}) {
      const Size size{out, in};
      test_type<float>(WeightType::kF32, size);
      test_type<uint16_t>(WeightType::kBf16, size);
      test_type<uint16_t>(WeightType::kF16, size);
      test_type<int8_t>(WeightType::kInt8, size);
    }
  }
}

}  // namespace llm2clip
