#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "base/cpu_features_x86.h"
#include "kernels/cpu/quantise_rows.h"
#include "linear_cases.h"

namespace llm2clip::testing {
namespace {

constexpr auto kAvx512 = [](auto&&... all) { linear_avx512(all...); };

void test_bf16(const FloatLinearCase& c) {
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
void test_int8(const FloatLinearCase& c, const char* name, float tolerance, auto&& widen) {
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
void test_int16(const FloatLinearCase& c) {
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
  const FloatLinearCase c{7, 2 * kInt16Depth + 6, 65, false, 1};
  const LinearArguments a{c.rows, c.in, c.out};
  for (const float sign : {1.0F, -1.0F}) {
    const std::vector<float> x(static_cast<size_t>(c.rows * c.in), 3.0F);
    const std::vector<float> weight(static_cast<size_t>(c.out * c.in), sign);
    const auto found = found_in_int16(a, x, to_bf16(weight), nullptr, c.threads);
    compare("linear int16 of largest sums", expected(x, weight, nullptr, a), found, 2e-3F);
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

void test_all(const FloatLinearCase& c) {
  const auto weight = random_numbers(c.out * c.in);
  const auto rounded = to_bf16(weight);
  using enum WeightType;
  if (has_avx2()) {
    test_f32_linear(c, "linear fp32, AVX2", weight, kF32, weight, PanelForm::kF32Strips,
                    linear_avx2);
  }
  if (!has_avx512()) return;
  test_f32_linear(c, "linear fp32", weight, kF32, weight, PanelForm::kStored, kAvx512);
  test_f32_linear(c, "linear fp32, bf16 weights", from_bf16(rounded), kBf16, rounded,
                  PanelForm::kStored, kAvx512);
  if (c.in % 2 == 0) {
    if (has_avx512_bf16()) test_bf16(c);
    if (has_avx512_vnni()) test_int16(c);
  }
  if (c.in % 4 == 0 && has_avx512_vnni()) {
    test_int8<float>(c, "linear int8", 2e-6F, [](auto found) { return found; });
    test_int8<uint16_t>(c, "linear int8 to bf16", 4e-3F, from_bf16);
  }
}

}  // namespace

void test_own_linears() {
  if (!has_avx512()) std::puts("skipped: linear over whole panels needs AVX-512");
  if (!has_avx512_bf16()) std::puts("skipped: linear in bf16 needs AVX-512 BF16");
  if (has_avx512_vnni()) {
    test_int16_extremes();
    test_unfit_products();
  } else {
    std::puts("skipped: linear in int8 and int16 needs AVX-512 VNNI");
  }
  each_linear(test_all);
}

}  // namespace llm2clip::testing
