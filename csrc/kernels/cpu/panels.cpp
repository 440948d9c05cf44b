#include "kernels/cpu/panels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/half.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/panel_places.h"

namespace llm2clip {
namespace {

// Up to 64 outputs of a weight.
struct Outputs {
  const std::byte* weight;  // [columns, in]
  int64_t columns, in, number_bytes;

  const std::byte* row(int64_t column) const { return weight + column * in * number_bytes; }
};

// Copies whole groups of four bytes to their places, and what is left of a row to the last group.
void spread_groups(const Outputs& from, std::byte* to) {
  constexpr int64_t kBlock = 16;  // so that both sides of the transposition stay in the cache
  const int64_t row_bytes = from.in * from.number_bytes, groups = row_bytes / 4;
  for (int64_t begin = 0; begin < groups; begin += kBlock) {
    const int64_t end = std::min(groups, begin + kBlock);
    for (int64_t column = 0; column < from.columns; ++column) {
      const std::byte* row = from.row(column);
      for (int64_t i = begin; i < end; ++i) {
        std::memcpy(to + i * kPanelGroupBytes + column * 4, row + i * 4, 4);
      }
    }
  }
  for (int64_t column = 0; column < from.columns && row_bytes % 4 != 0; ++column) {
    std::memcpy(to + groups * kPanelGroupBytes + column * 4, from.row(column) + groups * 4,
                static_cast<size_t>(row_bytes % 4));
  }
}

// Inputs have 128 added to them. These sums correct the products for it.
void end_with_sums(const Outputs& from, std::byte* end) {
  int32_t sums[kTileColumns] = {};
  for (int64_t column = 0; column < from.columns; ++column) {
    const auto* row = reinterpret_cast<const int8_t*>(from.row(column));
    for (int64_t i = 0; i < from.in; ++i) sums[column] -= 128 * row[i];
  }
  std::memcpy(end, sums, sizeof(sums));
}

// Ends a panel with the int16 scales of its outputs. The sum of kInt16Depth products of rounded
// weights with inputs of magnitude up to kMostInt16 is at most 32 bits.
template <typename Load>
void end_with_scales(const uint16_t* panel, int64_t in, float* scales, const Load& load_number) {
  // Rounding may add half a step to each weight.
  constexpr int64_t kBudget = std::numeric_limits<int32_t>::max() / kMostInt16 - kInt16Depth / 2;
  float most[kTileColumns] = {}, most_sum[kTileColumns] = {};
  for (int64_t begin = 0; begin < in; begin += kInt16Depth) {
    float sum[kTileColumns] = {};
    for (int64_t i = begin; i < std::min(in, begin + kInt16Depth); ++i) {
      const uint16_t* numbers = panel + i / 2 * kTileColumns * 2 + i % 2;
      for (int64_t c = 0; c < kTileColumns; ++c) {
        const float magnitude = std::abs(load_number(numbers, 2 * c));
        sum[c] += magnitude;
        most[c] = std::max(most[c], magnitude);
      }
    }
    for (int64_t c = 0; c < kTileColumns; ++c) most_sum[c] = std::max(most_sum[c], sum[c]);
  }
  for (int64_t c = 0; c < kTileColumns; ++c) {
    scales[c] = std::max(most_sum[c] / kBudget, most[c] / std::numeric_limits<int16_t>::max());
  }
}

void pack_panel(WeightType type, const Outputs& from, std::byte* to) {
  const int64_t bytes = panel_bytes(type, from.in);
  if (from.columns < kTileColumns || whole_groups(type, from.in) != from.in) {
    std::fill_n(to, bytes, std::byte{0});
  }
  spread_groups(from, to);
  std::byte* end = to + bytes - kPanelGroupBytes;
  const auto* numbers = reinterpret_cast<const uint16_t*>(to);
  switch (type) {
    case WeightType::kF32: return;
    case WeightType::kInt8: return end_with_sums(from, end);
    case WeightType::kBf16:
      return end_with_scales(numbers, from.in, reinterpret_cast<float*>(end),
                             [](const uint16_t* x, int64_t i) { return load(x, i); });
    case WeightType::kF16:
      return end_with_scales(numbers, from.in, reinterpret_cast<float*>(end),
                             [](const uint16_t* x, int64_t i) { return half_to_float(x[i]); });
  }
}

}  // namespace

void pack_panels(WeightType type, const void* weight, std::byte* packed, int64_t out, int64_t in,
                 int64_t first, int64_t last) {
  const auto* rows = static_cast<const std::byte*>(weight);
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t column = panel * kTileColumns;
    const Outputs outputs{rows + column * in * size_of(type), std::min(kTileColumns, out - column),
                          in, size_of(type)};
    pack_panel(type, outputs, packed + panel * panel_bytes(type, in));
  }
}

int64_t unpacked_bytes(WeightType type, PanelForm form, int64_t in) {
  const int64_t groups = unpacked_groups(type, form, in) + (keeps_end(type, form) ? 1 : 0);
  return groups * kPanelGroupBytes;
}

}  // namespace llm2clip
