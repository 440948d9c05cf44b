#include <cmath>
#include <cstdio>
#include <vector>

#include "base/cpu_features_arm.h"
#include "kernels/cpu/linear_arm.h"
#include "linear_cases.h"

namespace llm2clip::testing {
namespace {

std::vector<uint16_t> padded_rows(const std::vector<uint16_t>& x, int64_t in, int64_t width) {
  std::vector<uint16_t> result;
  for (auto row = x.begin(); row != x.end(); row += in) {
    result.insert(result.end(), row, row + in);
    result.resize(result.size() + static_cast<size_t>(width - in));
  }
  return result;
}

// Only the sums differ from those of the reference: they round to odd, and flush tiny numbers.
void test_bf16(const FloatLinearCase& c) {
  const int64_t width = whole_inputs(WeightType::kBf16, PanelForm::kBf16Fours, c.in);
  const auto x = to_bf16(random_numbers(c.rows * c.in));
  const auto weight = to_bf16(random_numbers(c.out * c.in));
  const auto bias = random_numbers(c.out);
  const float* with_bias = c.with_bias ? bias.data() : nullptr;
  const auto padded = padded_rows(x, c.in, width);
  auto found = unwritten<float>(c.rows * c.out);
  const PackedWeight packed(WeightType::kBf16, weight, c.out, c.in);
  const LinearArguments a{c.rows, width, c.out};
  each_share<uint16_t>(packed, PanelForm::kBf16Fours, a, c.threads,
                       [&](const uint16_t* strips, const LinearBlock& block) {
                         linear_neon_bf16(padded.data(), strips, with_bias, found.data(), a, block);
                       });
  compare(describe("linear bf16, NEON", c),
          expected(from_bf16(x), from_bf16(weight), with_bias, {c.rows, c.in, c.out}), found,
          2e-6F * std::sqrt(static_cast<float>(c.in)));
}

void test_all(const FloatLinearCase& c) {
  const auto weight = random_numbers(c.out * c.in);
  test_f32_linear(c, "linear fp32, NEON", weight, WeightType::kF32, weight, PanelForm::kF32Strips,
                  linear_neon);
  if (has_bf16()) test_bf16(c);
}

}  // namespace

void test_own_linears() {
  if (!has_bf16()) std::puts("skipped: linear in bf16 needs BF16");
  each_linear(test_all);
}

}  // namespace llm2clip::testing
