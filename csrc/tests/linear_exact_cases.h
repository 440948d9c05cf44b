#pragma once

#include <cmath>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

#include "compare.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/quantise_rows.h"
#include "packed_weight.h"

namespace llm2clip::testing {

// Compares integer linear kernels with plain loops. Their sums are integers, so the results must be
// bit-identical.

struct LinearCase {
  int64_t rows, in, out;
  bool with_bias = true;
  int64_t threads = 3;

  LinearArguments arguments() const { return {rows, in, out}; }
};

inline void report(bool same, const char* kernel, const LinearCase& c, const char* what) {
  EXPECT(same);
  std::printf("%s %s [%lld, %lld] → %lld, %s\n", same ? "ok" : "FAILED", kernel,
              static_cast<long long>(c.rows), static_cast<long long>(c.in),
              static_cast<long long>(c.out), what);
}

// Computes Σ x · w over a piece of the depth, times the scales, and rounds to f32 after each piece.
template <typename X, typename W>
std::vector<float> plain(const LinearCase& c, const std::vector<X>& x, int32_t zero,
                         const float* rows, const std::vector<W>& weight, const float* outputs,
                         const float* bias, int64_t depth) {
  const int64_t stride = static_cast<int64_t>(x.size()) / c.rows;  // with padding
  std::vector<float> result;
  for (int64_t r = 0; r < c.rows; ++r) {
    for (int64_t o = 0; o < c.out; ++o) {
      float total = bias == nullptr ? 0.0F : bias[o];
      for (int64_t begin = 0; begin < c.in; begin += depth) {
        int64_t sum = 0;
        for (int64_t i = begin; i < std::min(begin + depth, c.in); ++i) {
          sum += (x[r * stride + i] - zero) * weight[o * c.in + i];
        }
        total = std::fma(static_cast<float>(sum), rows[r] * outputs[o], total);
      }
      result.push_back(total);
    }
  }
  return result;
}

// A row with NaN or infinity has a NaN scale. It affects no other row.
inline bool spoils_itself_alone(const std::vector<float>& found, const LinearCase& c,
                                int64_t spoilt) {
  bool right = true;
  for (int64_t i = 0; i < c.rows * c.out; ++i) {
    right = right && std::isfinite(found[i]) == (i / c.out != spoilt);
  }
  return right;
}

inline std::vector<float> spoilt_numbers(const LinearCase& c, int64_t spoilt, float by) {
  auto x = random_numbers(c.rows * c.in);
  x[spoilt * c.in + c.in / 2] = by;
  return x;
}

template <typename X, typename W>
struct Int8Kernel {
  const char* name;
  void (*multiply)(const X*, const W*, const Int8Scales&, const float*, float*,
                   const LinearArguments&, const LinearBlock&);
  PanelForm form = sizeof(W) == 1 ? PanelForm::kInt8Strips : PanelForm::kInt16Strips;
};

template <typename X, typename W>
void test_int8(const Int8Kernel<X, W>& kernel, const LinearCase& c, const std::vector<float>& x,
               const std::vector<int8_t>& weight, const char* what, int64_t spoilt = -1) {
  const auto outputs = random_numbers(c.out, 0.01F), bias = random_numbers(c.out);
  const float* with_bias = c.with_bias ? bias.data() : nullptr;
  const int64_t width = whole_inputs(WeightType::kInt8, kernel.form, c.in);
  const LinearArguments a{c.rows, width, c.out};
  std::vector<X> q(static_cast<size_t>(c.rows * width));
  std::vector<float> rows(static_cast<size_t>(c.rows));
  quantise_rows(x.data(), q.data(), rows.data(), {c.in, width, nullptr, kMostInt8}, 0, c.rows);
  const PackedWeight packed(WeightType::kInt8, weight, c.out, c.in);
  auto found = unwritten<float>(c.rows * c.out);
  each_share<W>(packed, kernel.form, a, c.threads, [&](const W* strips, const LinearBlock& block) {
    kernel.multiply(q.data(), strips, {rows.data(), outputs.data()}, with_bias, found.data(), a,
                    block);
  });
  if (spoilt >= 0) return report(spoils_itself_alone(found, c, spoilt), kernel.name, c, what);
  constexpr int32_t kZero = std::is_same_v<X, uint8_t> ? kMostInt8 + 1 : 0;
  report(found == plain(c, q, kZero, rows.data(), weight, outputs.data(), with_bias, c.in),
         kernel.name, c, what);
}

inline std::vector<int8_t> random_bytes(int64_t count) {
  std::vector<int8_t> bytes;
  for (const float number : random_numbers(count, 60.0F)) {
    bytes.push_back(static_cast<int8_t>(std::clamp(number, -127.0F, 127.0F)));
  }
  return bytes;
}

// Sizes that fill tiles, strips and panels, and sizes that do not; one piece of the depth and
// several; shares of many rows.
inline std::vector<LinearCase> linear_cases() {
  std::vector<LinearCase> all;
  for (const int64_t rows : {1, 5, 6, 7, 49}) {
    for (const int64_t out : {1, 15, 16, 17, 64, 65, 130}) all.push_back({rows, 36, out});
  }
  for (const int64_t in : {4, 508, 512, 516, 1032}) all.push_back({13, in, 70, false, 1});
  all.push_back({101, 1028, 140, true, 1});
  all.push_back({1207, 40, 100, true, 2});
  return all;
}

template <typename X, typename W>
void test_int8(const Int8Kernel<X, W>& kernel) {
  for (const LinearCase& c : linear_cases()) {
    test_int8(kernel, c, random_numbers(c.rows * c.in), random_bytes(c.out * c.in), "at random");
  }
  const LinearCase c{7, 4096, 65, false, 1};
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

}  // namespace llm2clip::testing
