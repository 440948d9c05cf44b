// Compares the linear kernels with their plain reference, for sizes that fill tiles and sizes that
// do not. Prints one line per comparison.
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "compare.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/quantise_rows.h"
#include "linear_cases.h"
#include "linear_exact_test.h"
#include "linear_operation_test.h"
#include "panels_test.h"

namespace llm2clip {
namespace {

using namespace testing;

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

void test_generic(const FloatLinearCase& c) {
  const auto weight = random_numbers(c.out * c.in);
  test_f32_linear(c, "linear fp32, generic", weight, WeightType::kF32, weight,
                  PanelForm::kF32Strips, linear_generic);
}

void test_all() {
  for (const int64_t in : {1, 31, 64, 2730}) test_quantise(5, in, (in + 67) / 64 * 64);
  test_unfit_rows<uint8_t>("int8", 128);
  test_unfit_rows<int8_t>("int8 without 128", 0);
  test_unfit_rows<int16_t>("int16", 0);
  test_exact_linears();
  test_panels();
  test_linear_operation();
  each_linear(test_generic);
  test_own_linears();
}

}  // namespace
}  // namespace llm2clip

int main() {
  llm2clip::test_all();
  return llm2clip::testing::exit_code();
}
