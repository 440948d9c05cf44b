#include "linear_operation_test.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/cpu_features.h"
#include "base/float_convert.h"
#include "compare.h"
#include "ops/linear.h"
#include "packed_weight.h"
#include "workers_alone.h"

namespace llm2clip {
namespace {

using testing::Aligned;
using testing::compare;
using testing::PackedWeight;
using testing::random_numbers;

struct Case {
  int64_t rows, in, out;
  bool with_bias = true, with_smoothing = false;
};

std::string describe(const char* type, const Case& c) {
  return "linear() of " + std::string(type) + " [" + std::to_string(c.rows) + ", " +
         std::to_string(c.in) + "] → " + std::to_string(c.out) + (c.with_bias ? " with bias" : "") +
         (c.with_smoothing ? " with smoothing" : "");
}

// The largest difference, as a part of the largest result.
float tolerance(WeightType type, int64_t in) {
  if (type == WeightType::kInt8 && runs_in_int8()) return 3e-2F;  // of x rounded to int8
  if (runs_in_int16(type)) return 2e-3F;
  // Of x or results, and of weights in f16, rounded to bf16.
  if (compute_element(type) == Element::kBf16 || runs_in_bf16(type)) return 8e-3F;
  return 1e-6F * std::sqrt(static_cast<float>(in) + 16);
}

// Runs the operation in rooms of exactly the size that it asks for.
template <typename T>
std::vector<float> found_of(const LinearWeight& weight, const std::vector<float>& x, int64_t rows) {
  testing::WorkersAlone workers(3);
  const auto input = testing::to<T>(x);
  auto out = testing::unwritten<T>(rows * weight.out);
  const Element element = compute_element(weight.type);
  Aligned<std::byte> room(static_cast<int64_t>(linear_room(weight, rows)));
  linear(workers, weight, {input.data(), element, rows, weight.in},
         {out.data(), element, rows, weight.out}, room.get());
  return testing::from(out);
}

// `numbers` are those that the stored weight stands for.
void test(const char* name, const Case& c, LinearWeight weight, const PackedWeight& packed,
          const std::vector<float>& numbers) {
  weight.panels = packed.panels.get();
  const bool in_bf16 = compute_element(weight.type) == Element::kBf16;
  auto x = random_numbers(c.rows * c.in);
  if (in_bf16) x = testing::from_bf16(testing::to_bf16(x));
  const auto bias = random_numbers(c.out);
  auto factors = random_numbers(c.in, 0.1F);
  for (float& factor : factors) factor = 1 + std::abs(factor);
  if (c.with_bias) weight.bias = bias.data();
  if (c.with_smoothing) weight.inverse_smoothing = factors.data();
  const auto found =
      in_bf16 ? found_of<uint16_t>(weight, x, c.rows) : found_of<float>(weight, x, c.rows);
  if (c.with_smoothing) {
    for (size_t i = 0; i < x.size(); ++i) x[i] *= factors[i % factors.size()];
  }
  std::vector<float> expected(static_cast<size_t>(c.rows * c.out));
  linear_plain(x.data(), numbers.data(), weight.bias, expected.data(), {c.rows, c.in, c.out});
  compare(describe(name, c), expected, found, tolerance(weight.type, c.in));
}

void test_16_bits(const char* name, WeightType type, Dtype dtype, const Case& c) {
  auto numbers = random_numbers(c.out * c.in);
  std::vector<uint16_t> stored(numbers.size());
  auto* bytes = reinterpret_cast<std::byte*>(stored.data());
  from_float(numbers.data(), dtype, bytes, numbers.size());
  to_float(dtype, bytes, numbers.data(), numbers.size());
  test(name, c, {type, nullptr, c.out, c.in}, {type, stored, c.out, c.in}, numbers);
}

void test_int8(Case c) {
  std::vector<int8_t> stored;
  std::vector<float> numbers;
  auto scales = random_numbers(c.out, 0.01F);
  for (const float number : random_numbers(c.out * c.in, 40.0F)) {
    stored.push_back(static_cast<int8_t>(std::clamp(number, -127.0F, 127.0F)));
    numbers.push_back(stored.back() * scales[numbers.size() / static_cast<size_t>(c.in)]);
  }
  const PackedWeight packed(WeightType::kInt8, stored, c.out, c.in);
  for (const bool with_smoothing : {false, true}) {
    c.with_smoothing = with_smoothing;
    test("int8", c, {WeightType::kInt8, nullptr, c.out, c.in, nullptr, scales.data()}, packed,
         numbers);
  }
}

void test_all(const Case& c) {
  const auto weight = random_numbers(c.out * c.in);
  test("f32", c, {WeightType::kF32, nullptr, c.out, c.in}, {WeightType::kF32, weight, c.out, c.in},
       weight);
  test_16_bits("bf16", WeightType::kBf16, Dtype::kBF16, c);
  test_16_bits("f16", WeightType::kF16, Dtype::kF16, c);
  test_int8(c);
}

}  // namespace

void test_linear_operation() {
  std::printf("instructions: %s\n", isa_name(cpu_isa()).c_str());
  for (const auto type :
       {WeightType::kF32, WeightType::kBf16, WeightType::kF16, WeightType::kInt8}) {
    std::printf("kernel: %s\n", linear_kernel(type).c_str());
  }
  for (const int64_t in : {1, 3, 36, 71, 1033}) {
    for (const int64_t out : {1, 17, 64, 131}) {
      test_all({50, in, out, false});
      // The largest of few results may be too small to compare differences with.
      if (out > 1) test_all({1, in, out});
    }
  }
  test_all({1207, 37, 100});
}

}  // namespace llm2clip
