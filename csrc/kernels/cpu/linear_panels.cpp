#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/linear.h"

namespace llm2clip {
namespace {

// The rows of a block stay in the shared cache while all panels are processed.
constexpr int64_t kMostRows = 100 * kTileRows;
constexpr int64_t kLeastRows = 8 * kTileRows;
constexpr int64_t kSharesPerThread = 4;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <typename T>
constexpr int64_t kGroup = 4 / sizeof(T);

// Activations have 128 added to them. These sums correct the products for it.
void append_sums(const int8_t* weight, int8_t* to, int64_t columns, int64_t in) {
  int32_t sums[kTileColumns] = {};
  for (int64_t column = 0; column < columns; ++column) {
    for (int64_t i = 0; i < in; ++i) sums[column] -= 128 * weight[column * in + i];
  }
  std::memcpy(to, sums, sizeof(sums));
}

// Copies groups of kNumbers weights to their places in strips.
template <int64_t kNumbers, typename T>
void spread_groups(const T* weight, T* to, int64_t columns, int64_t in, int64_t strip) {
  constexpr int64_t kBlock = 16;  // so that both sides of the transposition stay in the cache
  const int64_t groups = in / kNumbers, stride = strip * kNumbers;
  for (int64_t begin = 0; begin < groups; begin += kBlock) {
    const int64_t end = std::min(groups, begin + kBlock);
    for (int64_t column = 0; column < columns; ++column) {
      const T* from = weight + column * in;
      T* place = to + column / strip * strip * in + column % strip * kNumbers;
      for (int64_t i = begin; i < end; ++i) {
        std::memcpy(place + i * stride, from + i * kNumbers, kNumbers * sizeof(T));
      }
    }
  }
}

template <typename T>
void pack_panel(const T* weight, T* to, int64_t columns, int64_t in, const PanelLayout& layout) {
  if (columns < kTileColumns) std::fill_n(to, in * kTileColumns, T{0});
  if constexpr (std::is_same_v<T, int8_t>) {
    if (layout.group_bytes == 2) {
      spread_groups<2>(weight, to, columns, in, layout.strip);
    } else {
      spread_groups<4>(weight, to, columns, in, layout.strip);
    }
    append_sums(weight, to + in * kTileColumns, columns, in);
  } else {
    spread_groups<kGroup<T>>(weight, to, columns, in, layout.strip);
  }
}

// The int16 scale of the weights [in] of one output.
float int16_scale(const float* weight, int64_t in) {
  // Rounding may add half a step to each weight.
  constexpr int64_t kBudget = std::numeric_limits<int32_t>::max() / kMostInt16 - kInt16Depth / 2;
  float most = 0, sum = 0;
  for (int64_t begin = 0; begin < in; begin += kInt16Depth) {
    float one = 0;
    for (int64_t i = begin; i < std::min(in, begin + kInt16Depth); ++i) {
      one += std::abs(weight[i]);
      most = std::max(most, std::abs(weight[i]));
    }
    sum = std::max(sum, one);
  }
  return std::max(sum / kBudget, most / std::numeric_limits<int16_t>::max());
}

void round_weights(const float* weight, float scale, int16_t* rounded, int64_t in) {
  const float factor = scale > 0 ? 1 / scale : 0;
  for (int64_t i = 0; i < in; ++i) {
    rounded[i] = static_cast<int16_t>(std::lrint(weight[i] * factor));
  }
}

}  // namespace

int64_t linear_panels(int64_t out) { return ceil_div(out, kTileColumns); }

template <typename T>
int64_t linear_groups(int64_t in) {
  const bool ends_with_one_more = std::is_same_v<T, int8_t> || std::is_same_v<T, int16_t>;
  return in / kGroup<T> + (ends_with_one_more ? 1 : 0);
}

template <typename T>
void pack_linear_weight(const T* weight, T* packed, const LinearArguments& a, int64_t first,
                        int64_t last, const PanelLayout& layout) {
  const int64_t size = linear_groups<T>(a.in) * kGroup<T> * kTileColumns;
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t column = panel * kTileColumns;
    pack_panel(weight + column * a.in, packed + panel * size,
               std::min(kTileColumns, a.out - column), a.in, layout);
  }
}

template <typename T>
void pack_linear_weight_in_int16(const T* weight, int16_t* packed, const LinearArguments& a,
                                 int64_t first, int64_t last, const PanelLayout& layout) {
  std::vector<float> row(static_cast<size_t>(a.in));
  std::vector<int16_t> rounded(static_cast<size_t>(kTileColumns * a.in));
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t column = panel * kTileColumns, columns = std::min(kTileColumns, a.out - column);
    float scales[kTileColumns] = {};
    for (int64_t c = 0; c < columns; ++c) {
      const T* from = weight + (column + c) * a.in;
      for (int64_t i = 0; i < a.in; ++i) row[i] = load(from, i);
      scales[c] = int16_scale(row.data(), a.in);
      round_weights(row.data(), scales[c], rounded.data() + c * a.in, a.in);
    }
    int16_t* to = packed + panel * linear_groups<int16_t>(a.in) * kGroup<int16_t> * kTileColumns;
    pack_panel(rounded.data(), to, columns, a.in, layout);
    std::memcpy(to + a.in * kTileColumns, scales, sizeof(scales));
  }
}

template void pack_linear_weight_in_int16(const float*, int16_t*, const LinearArguments&, int64_t,
                                          int64_t, const PanelLayout&);
template void pack_linear_weight_in_int16(const uint16_t*, int16_t*, const LinearArguments&,
                                          int64_t, int64_t, const PanelLayout&);
template int64_t linear_groups<float>(int64_t);
template int64_t linear_groups<uint16_t>(int64_t);
template int64_t linear_groups<int16_t>(int64_t);
template int64_t linear_groups<int8_t>(int64_t);
template void pack_linear_weight(const float*, float*, const LinearArguments&, int64_t, int64_t,
                                 const PanelLayout&);
template void pack_linear_weight(const uint16_t*, uint16_t*, const LinearArguments&, int64_t,
                                 int64_t, const PanelLayout&);
template void pack_linear_weight(const int8_t*, int8_t*, const LinearArguments&, int64_t, int64_t,
                                 const PanelLayout&);

LinearShares linear_shares(const LinearArguments& a, int64_t threads) {
  const int64_t panels = linear_panels(a.out);
  const int64_t wanted = ceil_div(threads * kSharesPerThread, panels);
  const int64_t possible = std::max<int64_t>(1, a.rows / kLeastRows);
  const int64_t blocks = std::max(std::min(wanted, possible), ceil_div(a.rows, kMostRows));
  const int64_t rows = ceil_div(ceil_div(a.rows, blocks), kTileRows) * kTileRows;
  return {rows, ceil_div(a.rows, rows) * panels, threads};
}

}  // namespace llm2clip
