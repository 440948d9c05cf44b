#include "linear_exact_test.h"

#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "compare.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/quantise_rows.h"
#include "linear_vnni_twin.h"
#include "packed_weight.h"

namespace llm2clip {
namespace {

using testing::each_share;
using testing::PackedWeight;
using testing::random_numbers;
using testing::unwritten;

struct Case {
  int64_t rows, in, out;
  bool with_bias = true;
  int64_t threads = 3;

  LinearArguments arguments() const { return {rows, in, out}; }
};

void report(bool same, const char* kernel, const Case& c, const char* what) {
  EXPECT(same);
  std::printf("%s %s [%lld, %lld] → %lld, %s\n", same ? "ok" : "FAILED", kernel,
              static_cast<long long>(c.rows), static_cast<long long>(c.in),
              static_cast<long long>(c.out), what);
}

// Computes Σ x · w over a piece of the depth, times the scales, and rounds to f32 after each piece.
template <typename X, typename W>
std::vector<float> plain(const Case& c, const std::vector<X>& x, int32_t zero, const float* rows,
                         const std::vector<W>& weight, const float* outputs, const float* bias,
                         int64_t depth) {
  std::vector<float> result;
  for (int64_t r = 0; r < c.rows; ++r) {
    for (int64_t o = 0; o < c.out; ++o) {
      float total = bias == nullptr ? 0.0F : bias[o];
      for (int64_t begin = 0; begin < c.in; begin += depth) {
        int64_t sum = 0;
        for (int64_t i = begin; i < std::min(begin + depth, c.in); ++i) {
          sum += (x[r * c.in + i] - zero) * weight[o * c.in + i];
        }
        total = std::fma(static_cast<float>(sum), rows[r] * outputs[o], total);
      }
      result.push_back(total);
    }
  }
  return result;
}

// A row with NaN or infinity has a NaN scale. It affects no other row.
bool spoils_itself_alone(const std::vector<float>& found, const Case& c, int64_t spoilt) {
  bool right = true;
  for (int64_t i = 0; i < c.rows * c.out; ++i) {
    right = right && std::isfinite(found[i]) == (i / c.out != spoilt);
  }
  return right;
}

std::vector<float> spoilt_numbers(const Case& c, int64_t spoilt, float by) {
  auto x = random_numbers(c.rows * c.in);
  x[spoilt * c.in + c.in / 2] = by;
  return x;
}

using Int16Linear = decltype(&linear_int16_avx2);

struct Int16Kernel {
  const char* name;
  Int16Linear multiply;
};

// Reads the rounded weight back from the panels.
std::vector<int16_t> unpacked(const Case& c, const PackedWeight& packed,
                              std::vector<float>& scales) {
  std::vector<int16_t> weight(static_cast<size_t>(c.out * c.in));
  for (int64_t o = 0; o < c.out; ++o) {
    const auto strips = packed.panel(o / kTileColumns, PanelForm::kInt16Strips);
    const auto* panel = reinterpret_cast<const int16_t*>(strips.get());
    const int64_t column = o % kTileColumns, strip = column / kStripColumns;
    for (int64_t i = 0; i < c.in; ++i) {
      weight[o * c.in + i] = panel[strip * kStripColumns * c.in + i / 2 * kStripColumns * 2 +
                                   column % kStripColumns * 2 + i % 2];
    }
    scales.push_back(reinterpret_cast<const float*>(panel + c.in * kTileColumns)[column]);
  }
  return weight;
}

void test_int16(const Int16Kernel& kernel, const Case& c, const std::vector<float>& x,
                const std::vector<float>& weight, const char* what, int64_t spoilt = -1) {
  const auto bias = random_numbers(c.out);
  const float* with_bias = c.with_bias ? bias.data() : nullptr;
  std::vector<int16_t> q(x.size());
  std::vector<float> rows(static_cast<size_t>(c.rows)), outputs;
  quantise_rows(x.data(), q.data(), rows.data(), {c.in, c.in, nullptr}, 0, c.rows);
  const PackedWeight packed(WeightType::kBf16, testing::to_bf16(weight), c.out, c.in);
  auto found = unwritten<float>(c.rows * c.out);
  each_share<int16_t>(packed, PanelForm::kInt16Strips, c.arguments(), c.threads,
                      [&](const int16_t* strips, const LinearBlock& block) {
                        kernel.multiply(q.data(), rows.data(), strips, with_bias, found.data(),
                                        c.arguments(), block);
                      });
  if (spoilt >= 0) return report(spoils_itself_alone(found, c, spoilt), kernel.name, c, what);
  const auto rounded = unpacked(c, packed, outputs);
  report(found == plain(c, q, 0, rows.data(), rounded, outputs.data(), with_bias, kInt16Depth),
         kernel.name, c, what);
}

template <typename X, typename W>
struct Int8Kernel {
  const char* name;
  void (*multiply)(const X*, const W*, const Int8Scales&, const float*, float*,
                   const LinearArguments&, const LinearBlock&);
  static constexpr PanelForm kForm =
      sizeof(W) == 1 ? PanelForm::kInt8Strips : PanelForm::kInt16Strips;
};

template <typename X, typename W>
void test_int8(const Int8Kernel<X, W>& kernel, const Case& c, const std::vector<float>& x,
               const std::vector<int8_t>& weight, const char* what, int64_t spoilt = -1) {
  const auto outputs = random_numbers(c.out, 0.01F), bias = random_numbers(c.out);
  const float* with_bias = c.with_bias ? bias.data() : nullptr;
  std::vector<X> q(x.size());
  std::vector<float> rows(static_cast<size_t>(c.rows));
  quantise_rows(x.data(), q.data(), rows.data(), {c.in, c.in, nullptr, kMostInt8}, 0, c.rows);
  const PackedWeight packed(WeightType::kInt8, weight, c.out, c.in);
  auto found = unwritten<float>(c.rows * c.out);
  each_share<W>(packed, kernel.kForm, c.arguments(), c.threads,
                [&](const W* strips, const LinearBlock& block) {
                  kernel.multiply(q.data(), strips, {rows.data(), outputs.data()}, with_bias,
                                  found.data(), c.arguments(), block);
                });
  if (spoilt >= 0) return report(spoils_itself_alone(found, c, spoilt), kernel.name, c, what);
  constexpr int32_t kZero = sizeof(X) == 1 ? kMostInt8 + 1 : 0;
  report(found == plain(c, q, kZero, rows.data(), weight, outputs.data(), with_bias, c.in),
         kernel.name, c, what);
}

std::vector<int8_t> random_bytes(int64_t count) {
  std::vector<int8_t> bytes;
  for (const float number : random_numbers(count, 60.0F)) {
    bytes.push_back(static_cast<int8_t>(std::clamp(number, -127.0F, 127.0F)));
  }
  return bytes;
}

// Sizes that fill tiles, strips and panels, and sizes that do not; one piece of the depth and
// several; shares of many rows.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const int64_t rows : {1, 5, 6, 7, 49}) {
    for (const int64_t out : {1, 15, 16, 17, 64, 65, 130}) all.push_back({rows, 36, out});
  }
  for (const int64_t in : {4, 508, 512, 516, 1032}) all.push_back({13, in, 70, false, 1});
  all.push_back({101, 1028, 140, true, 1});
  all.push_back({1207, 40, 100, true, 2});
  return all;
}

void test_int16(const Int16Kernel& kernel) {
  for (const Case& c : cases()) {
    auto x = random_numbers(c.rows * c.in), weight = random_numbers(c.out * c.in);
    for (int64_t r = 0; r < c.rows; ++r) x[r * c.in] *= 1000;  // far larger than the others
    test_int16(kernel, c, x, weight, "at random");
  }
  test_int16(kernel, {7, 38, 65}, random_numbers(7 * 38), random_numbers(65 * 38), "odd groups");
  const Case c{7, 2 * kInt16Depth + 8, 65, false, 1};
  for (const float sign : {1.0F, -1.0F}) {
    const std::vector<float> x(static_cast<size_t>(c.rows * c.in), 3.0F);
    const std::vector<float> weight(static_cast<size_t>(c.out * c.in), sign);
    test_int16(kernel, c, x, weight, "largest sums");
  }
  const std::vector<float> zeros(static_cast<size_t>(c.rows * c.in));
  test_int16(kernel, c, zeros, std::vector<float>(static_cast<size_t>(c.out * c.in)), "zeros");
  for (const float by : {NAN, INFINITY}) {
    test_int16(kernel, c, spoilt_numbers(c, 3, by), random_numbers(c.out * c.in), "no number", 3);
  }
}

template <typename X, typename W>
void test_int8(const Int8Kernel<X, W>& kernel) {
  for (const Case& c : cases()) {
    test_int8(kernel, c, random_numbers(c.rows * c.in), random_bytes(c.out * c.in), "at random");
  }
  const Case c{7, 4096, 65, false, 1};
  for (const float sign : {1.0F, -1.0F}) {
    // Products of bytes that would saturate 16 bits.
    const std::vector<float> x(static_cast<size_t>(c.rows * c.in), sign);
    const std::vector<int8_t> weight(static_cast<size_t>(c.out * c.in), -127);
    test_int8(kernel, c, x, weight, "largest sums");
  }
  test_int8(kernel, c, std::vector<float>(static_cast<size_t>(c.rows * c.in)),
            random_bytes(c.out * c.in), "zeros");
  for (const float by : {NAN, INFINITY}) {
    test_int8(kernel, c, spoilt_numbers(c, 3, by), random_bytes(c.out * c.in), "no number", 3);
  }
}

}  // namespace

void test_exact_linears() {
  if (!has_avx2()) {
    std::puts("skipped: linear over strips needs AVX2");
    return;
  }
  test_int16({"int16, AVX2", linear_int16_avx2});
  test_int8<int16_t, int16_t>({"int8, AVX2", linear_int8_avx2});
  test_int8<uint8_t, int8_t>({"int8, twin of AVX-VNNI", testing::linear_int8_vnni_twin});
  if (has_avx_vnni()) {
    test_int16({"int16, AVX-VNNI", linear_int16_avx_vnni});
    test_int8<uint8_t, int8_t>({"int8, AVX-VNNI", linear_int8_avx_vnni});
  } else {
    std::puts("skipped: linear in int8 and int16 needs AVX-VNNI");
  }
  if (has_avx512_vnni()) {
    test_int16({"int16, VNNI of 256 bits", linear_int16_256_avx512_vnni});
    test_int8<uint8_t, int8_t>({"int8, VNNI of 256 bits", linear_int8_256_avx512_vnni});
  } else {
    std::puts("skipped: linear in int8 and int16 on 256 bits needs AVX-512 VNNI");
  }
}

}  // namespace llm2clip
