// Compares the linear kernels with their plain reference, for sizes that fill tiles and sizes that
// do not. Prints one line per comparison.
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/cpu_features.h"
#include "compare.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/quantise_rows.h"
#include "linear_exact_test.h"
#include "linear_operation_test.h"
#include "packed_weight.h"
#include "panels_test.h"

namespace llm2clip {
namespace {

using testing::compare;
using testing::each_share;
using testing::from_bf16;
using testing::PackedWeight;
using testing::random_numbers;
using testing::to_bf16;

struct Case {
  int64_t rows, in, out;
  bool with_bias;
  int64_t threads;
};

std::string describe(const char* kernel, const Case& c) {
  return std::string(kernel) + " [" + std::to_string(c.rows) + ", " + std::to_string(c.in) +
         "] → " + std::to_string(c.out) + (c.with_bias ? " with bias" : "");
}

std::vector<float> expected(const std::vector<float>& x, const std::vector<float>& weight,
                            const float* bias, const LinearArguments& a) {
  std::vector<float> result(static_cast<size_t>(a.rows * a.out));
  linear_plain(x.data(), weight.data(), bias, result.data(), a);
  return result;
}

constexpr auto kAvx512 = [](auto&&... all) { linear_avx512(all...); };

template <typename Stored, typename Multiply>
void test_f32(const Case& c, const char* name, const std::vector<float>& weight, WeightType type,
              const std::vector<Stored>& stored, PanelForm form, const Multiply& multiply) {
  const LinearArguments a{c.rows, c.in, c.out};
  const auto x = random_numbers(c.rows * c.in), bias = random_numbers(c.out);
  const float* with_bias = c.with_bias ? bias.data() : nullptr;
  std::vector<float> found(static_cast<size_t>(c.rows * c.out), NAN);
  const PackedWeight packed(type, stored, c.out, c.in);
  each_share<Stored>(packed, form, a, c.threads,
                     [&](const Stored* panel, const LinearBlock& block) {
                       multiply(x.data(), panel, with_bias, found.data(), a, block);
                     });
  compare(describe(name, c), expected(x, weight, with_bias, a), found,
          1e-6F * std::sqrt(static_cast<float>(c.in)));
}

void test_bf16(const Case& c) {
  const LinearArguments a{c.rows, c.in, c.out};
  const auto x = to_bf16(random_numbers(c.rows * c.in));
  const auto weight = to_bf16(random_numbers(c.out * c.in));
  const auto bias = random_numbers(c.out);
  const float* with_bias = c.with_bias ? bias.data() : nullptr;
  std::vector<uint16_t> found(static_cast<size_t>(c.rows * c.out), 0x7fc0);
  const PackedWeight packed(WeightType::kBf16, weight, c.out, c.in);
  each_share<uint16_t>(packed, PanelForm::kStored, a, c.threads,
                       [&](const uint16_t* panel, const LinearBlock& block) {
                         linear_avx512_bf16(x.data(), panel, with_bias, found.data(), a, block);
                       });
  compare(describe("linear bf16", c), expected(from_bf16(x), from_bf16(weight), with_bias, a),
          from_bf16(found), 4e-3F);
}

// The reference multiplies the dequantised numbers, so that only the rounding of the output
// differs.
template <typename T>
void test_int8(const Case& c, const char* name, float tolerance, auto&& widen) {
  const LinearArguments a{c.rows, c.in, c.out};
  std::vector<int8_t> weight;
  for (const float w : random_numbers(c.out * c.in, 40.0F)) {
    weight.push_back(static_cast<int8_t>(std::clamp(w, -127.0F, 127.0F)));
  }
  const auto output_scales = random_numbers(c.out, 0.01F), bias = random_numbers(c.out);
  std::vector<uint8_t> q(static_cast<size_t>(c.rows * c.in));
  std::vector<float> row_scales(static_cast<size_t>(c.rows));
  quantise_rows(random_numbers(c.rows * c.in).data(), q.data(), row_scales.data(),
                {c.in, c.in, nullptr}, 0, c.rows);

  std::vector<float> x, w;
  for (size_t i = 0; i < q.size(); ++i) {
    x.push_back(static_cast<float>(q[i] - 128) * row_scales[i / static_cast<size_t>(c.in)]);
  }
  for (size_t i = 0; i < weight.size(); ++i) {
    w.push_back(static_cast<float>(weight[i]) * output_scales[i / static_cast<size_t>(c.in)]);
  }
  const float* with_bias = c.with_bias ? bias.data() : nullptr;
  std::vector<T> found(static_cast<size_t>(c.rows * c.out));
  const PackedWeight packed(WeightType::kInt8, weight, c.out, c.in);
  each_share<int8_t>(
      packed, PanelForm::kStored, a, c.threads, [&](const int8_t* panel, const LinearBlock& block) {
        linear_avx512_vnni(q.data(), panel, {row_scales.data(), output_scales.data()}, with_bias,
                           found.data(), a, block);
      });
  compare(describe(name, c), expected(x, w, with_bias, a), widen(found), tolerance);
}

// x [rows, in] · weightᵀ + bias in int16, by 512-bit registers.
std::vector<float> found_in_int16(const LinearArguments& a, const std::vector<float>& x,
                                  const std::vector<uint16_t>& weight, const float* bias,
                                  int64_t threads) {
  std::vector<int16_t> q(x.size());
  std::vector<float> scales(static_cast<size_t>(a.rows));
  quantise_rows(x.data(), q.data(), scales.data(), {a.in, a.in, nullptr}, 0, a.rows);
  std::vector<float> found(static_cast<size_t>(a.rows * a.out), NAN);
  const PackedWeight packed(WeightType::kBf16, weight, a.out, a.in);
  each_share<int16_t>(
      packed, PanelForm::kInt16, a, threads, [&](const int16_t* panel, const LinearBlock& block) {
        linear_avx512_vnni(q.data(), scales.data(), panel, bias, found.data(), a, block);
      });
  return found;
}

// Makes one input and one weight of each output far larger than the others.
void test_int16(const Case& c) {
  const LinearArguments a{c.rows, c.in, c.out};
  auto x = random_numbers(c.rows * c.in), weight = random_numbers(c.out * c.in);
  for (int64_t i = 0; i < c.rows; ++i) x[i * c.in] *= 10;
  for (int64_t i = 0; i < c.out; ++i) weight[i * c.in + c.in / 2] *= 10;
  const auto bias = random_numbers(c.out);
  const float* with_bias = c.with_bias ? bias.data() : nullptr;
  const auto rounded = to_bf16(weight);
  const auto found = found_in_int16(a, x, rounded, with_bias, c.threads);
  compare(describe("linear int16", c), expected(x, from_bf16(rounded), with_bias, a), found,
          1.5e-3F);
}

// Tests the largest possible sums.
void test_int16_extremes() {
  const Case c{7, 2 * kInt16Depth + 6, 65, false, 1};
  const LinearArguments a{c.rows, c.in, c.out};
  for (const float sign : {1.0F, -1.0F}) {
    const std::vector<float> x(static_cast<size_t>(c.rows * c.in), 3.0F);
    const std::vector<float> weight(static_cast<size_t>(c.out * c.in), sign);
    const auto found = found_in_int16(a, x, to_bf16(weight), nullptr, c.threads);
    compare("linear int16 of largest sums", expected(x, weight, nullptr, a), found, 2e-3F);
  }
}

void test_quantise(int64_t rows, int64_t in, int64_t stride) {
  auto x = random_numbers(rows * in, 3.0F);
  std::fill_n(x.begin(), in, 0.0F);  // a row of zeros must stay zero
  auto smoothing = random_numbers(in);
  for (float& s : smoothing) s = std::abs(s) + 0.5F;
  std::vector<uint8_t> q(static_cast<size_t>(rows * stride), 7);
  std::vector<float> scales(static_cast<size_t>(rows), NAN), expected, found;
  quantise_rows(x.data(), q.data(), scales.data(), {in, stride, smoothing.data()}, 0, rows);
  float step = 0;
  for (int64_t r = 0; r < rows; ++r) {
    step = std::max(step, scales[r]);
    for (int64_t i = 0; i < stride; ++i) {
      expected.push_back(i < in ? x[r * in + i] * smoothing[i] : 0.0F);
      found.push_back(static_cast<float>(q[r * stride + i] - 128) * scales[r]);
    }
  }
  float most = 1e-3F;
  for (const float value : expected) most = std::max(most, std::abs(value));
  compare("quantised [" + std::to_string(rows) + ", " + std::to_string(in) + "]", expected, found,
          0.501F * step / most);
}

// A row with NaN or infinity becomes NaN as a whole; the other rows are unchanged. Numbers whose
// scale has no reciprocal become zeros.
template <typename Q>
void test_unfit_rows(const char* name, int32_t zero) {
  constexpr int64_t kIn = 70, kStride = 72, kRows = 9;
  constexpr float kTiny = 1e-44F;
  for (const int64_t place : {int64_t{0}, int64_t{31}, kIn - 1}) {
    auto x = random_numbers(kRows * kIn);
    const std::vector<float> unfit{NAN, INFINITY, -INFINITY, std::bit_cast<float>(0xffffffffU)};
    for (size_t i = 0; i < unfit.size(); ++i) x[(2 * i + 1) * kIn + place] = unfit[i];
    std::fill_n(x.begin(), kIn, 0.0F);
    std::fill_n(x.begin() + 2 * kIn, kIn, kTiny);
    std::vector<Q> q(kRows * kStride, Q{7});
    std::vector<float> scales(kRows, -1), expected, found;
    quantise_rows(x.data(), q.data(), scales.data(), {kIn, kStride, nullptr}, 0, kRows);
    float step = 0;
    for (int64_t r = 0; r < kRows; ++r) {
      const bool fits = r % 2 == 0;
      EXPECT(std::isnan(scales[r]) != fits);
      for (int64_t i = 0; i < kStride; ++i) {
        const auto number = static_cast<float>(q[r * kStride + i] - zero);
        if (!fits) EXPECT(number == 0);
        expected.push_back(fits && i < kIn ? x[r * kIn + i] : 0.0F);
        found.push_back(fits ? number * scales[r] : number);
      }
      if (fits) step = std::max(step, scales[r]);
    }
    compare(std::string("rows that are no numbers in ") + name, expected, found, 0.501F * step);
  }
}

void test_unfit_products() {
  constexpr int64_t kRows = 8, kIn = 64, kOut = 65;
  const LinearArguments a{kRows, kIn, kOut};
  auto x = random_numbers(kRows * kIn);
  x[3 * kIn + 5] = NAN;
  x[6 * kIn] = INFINITY;
  const auto weight = random_numbers(kOut * kIn);
  const auto found = found_in_int16(a, x, to_bf16(weight), nullptr, 1);
  for (size_t i = 0; i < found.size(); ++i) {
    const size_t row = i / kOut;
    EXPECT(std::isnan(found[i]) == (row == 3 || row == 6));
  }
}

void test_all(const Case& c) {
  const auto weight = random_numbers(c.out * c.in);
  const auto rounded = to_bf16(weight);
  using enum WeightType;
  test_f32(c, "linear fp32, generic", weight, kF32, weight, PanelForm::kF32Strips, linear_generic);
  if (has_avx2()) {
    test_f32(c, "linear fp32, AVX2", weight, kF32, weight, PanelForm::kF32Strips, linear_avx2);
  }
  if (!has_avx512()) return;
  test_f32(c, "linear fp32", weight, kF32, weight, PanelForm::kStored, kAvx512);
  test_f32(c, "linear fp32, bf16 weights", from_bf16(rounded), kBf16, rounded, PanelForm::kStored,
           kAvx512);
  if (c.in % 2 == 0) {
    if (has_avx512_bf16()) test_bf16(c);
    if (has_avx512_vnni()) test_int16(c);
  }
  if (c.in % 4 == 0 && has_avx512_vnni()) {
    test_int8<float>(c, "linear int8", 2e-6F, [](auto found) { return found; });
    test_int8<uint16_t>(c, "linear int8 to bf16", 4e-3F, from_bf16);
  }
}

void test_all() {
  for (const int64_t in : {1, 31, 64, 2730}) test_quantise(5, in, (in + 67) / 64 * 64);
  test_unfit_rows<uint8_t>("int8", 128);
  test_unfit_rows<int16_t>("int16", 0);
  test_exact_linears();
  test_panels();
  test_linear_operation();
  if (!has_avx512()) std::puts("skipped: linear over whole panels needs AVX-512");
  if (!has_avx512_bf16()) std::puts("skipped: linear in bf16 needs AVX-512 BF16");
  if (has_avx512_vnni()) {
    test_int16_extremes();
    test_unfit_products();
  } else {
    std::puts("skipped: linear in int8 and int16 needs AVX-512 VNNI");
  }
  for (const int64_t rows : {1, 5, 6, 7, 53}) {
    for (const int64_t out : {1, 16, 63, 64, 65, 130}) {
      test_all({rows, 33, out, true, 3});
      test_all({rows, 36, out, true, 3});
    }
  }
  for (const int64_t in : {1, 2, 4, 511, 512, 513, 516, 1032}) test_all({13, in, 70, false, 1});
  for (const int64_t rows : {20, 101}) test_all({rows, 1032, 140, true, 1});
  test_all({1207, 40, 100, true, 2});
}

}  // namespace
}  // namespace llm2clip

int main() {
  llm2clip::test_all();
  return llm2clip::testing::exit_code();
}
