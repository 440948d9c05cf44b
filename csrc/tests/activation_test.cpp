// Compares the activations and the other simple loops over rows with the plain ones, for counts
// that fill vectors and counts that do not. Prints one line per comparison.
#include <cmath>
#include <string>

#include "compare.h"
#include "kernels/cpu/activation.h"
#include "kernels/cpu/rows.h"

namespace llm2clip {
namespace {

using namespace testing;

template <typename T>
constexpr float kTolerance = sizeof(T) == 2 ? 4e-3F : 1e-6F;
template <typename T>
constexpr const char* kName = sizeof(T) == 2 ? "bf16 " : "fp32 ";

struct Activation {
  const char* name;
  void (*plain)(const float* x, float* out, int64_t count);
  void (*of_f32)(const float* x, float* out, int64_t count);
  void (*of_bf16)(const uint16_t* x, uint16_t* out, int64_t count);
  float relative;  // largest relative error in fp32, whatever the compiler contracts
};

constexpr Activation kActivations[] = {
    {"quick_gelu", quick_gelu_plain, quick_gelu, quick_gelu, 2e-6F},
    {"gelu", gelu_plain, gelu, gelu, 2e-6F},
    {"gelu_tanh", gelu_tanh_plain, gelu_tanh, gelu_tanh, 4e-6F},
};

void call(const Activation& a, const float* x, float* out, int64_t n) { a.of_f32(x, out, n); }
void call(const Activation& a, const uint16_t* x, uint16_t* out, int64_t n) {
  a.of_bf16(x, out, n);
}

template <typename T>
void test_activation(const Activation& activation, int64_t count) {
  auto x = to<T>(random_numbers(count, 3.0F));
  auto expected = unwritten<float>(count);
  activation.plain(from(x).data(), expected.data(), count);
  auto found = unwritten<T>(count);
  call(activation, x.data(), found.data(), count);
  call(activation, x.data(), x.data(), count);
  const std::string what = std::string(kName<T>) + activation.name + " of " + std::to_string(count);
  compare(what, expected, from(found), kTolerance<T>);
  compare(what + " in place", expected, from(x), kTolerance<T>);
}

// The error relative to each result, for numbers whose results matter beside those of size 1.
void test_relative_error(const Activation& activation) {
  std::vector<float> x;
  for (int i = -5'000; i <= 30'000; ++i) x.push_back(static_cast<float>(i) / 1'000);
  std::vector<float> expected(x.size()), found(x.size());
  activation.plain(x.data(), expected.data(), static_cast<int64_t>(x.size()));
  activation.of_f32(x.data(), found.data(), static_cast<int64_t>(x.size()));
  float most = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (expected[i] != 0) most = std::max(most, std::abs(found[i] / expected[i] - 1));
  }
  EXPECT(most < activation.relative);
  std::printf("%s %s: relative error %.1e\n", most < activation.relative ? "ok" : "FAILED",
              activation.name, most);
}

template <typename T>
void test_special(const Activation& activation) {
  const auto x = to<T>({NAN, 0.0F, INFINITY, 1e30F, -1e30F, 100.0F, -100.0F, -0.0F, NAN});
  std::vector<T> result(x.size());
  call(activation, x.data(), result.data(), static_cast<int64_t>(x.size()));
  const auto found = from(result);
  EXPECT(std::isnan(found[0]) && std::isnan(found[8]));
  EXPECT(found[1] == 0 && found[7] == 0);
  EXPECT(found[2] == INFINITY && found[3] == from(x)[3] && found[5] == 100);
  EXPECT(std::abs(found[4]) < 1e-6F && std::abs(found[6]) < 1e-6F);
}

template <typename X, typename Y>
void test_add_and_convert(int64_t count) {
  const auto x = to<X>(random_numbers(count));
  const auto y = to<Y>(random_numbers(count));
  std::vector<float> sums(x.size());
  for (size_t i = 0; i < x.size(); ++i) sums[i] = from(x)[i] + from(y)[i];
  auto found = unwritten<float>(count);
  add_numbers(x.data(), y.data(), found.data(), count);
  const std::string what = std::string(kName<X>) + "and " + kName<Y> + std::to_string(count);
  compare("add " + what, sums, found, 0);
  auto converted = unwritten<Y>(count);
  convert_numbers(x.data(), converted.data(), count);
  compare("convert " + what, from(to<Y>(from(x))), from(converted), 0);
}

template <typename T>
void test_mean(int64_t rows, int64_t width) {
  const auto x = to<T>(random_numbers(rows * width));
  auto expected = unwritten<float>(width), found = expected;
  mean_of_rows_plain(from(x).data(), expected.data(), rows, width);
  mean_of_rows(x.data(), found.data(), rows, width);
  compare(std::string(kName<T>) + "mean of " + std::to_string(rows) + " × " + std::to_string(width),
          expected, found, 1e-6F);
}

template <typename X, typename Out>
void test_l2_normalize(int64_t width) {
  constexpr int64_t kRows = 5, kSplit = 2;
  auto numbers = random_numbers(kRows * width);
  std::fill_n(numbers.begin(), width, 0.0F);  // a row without a direction stays zeros
  const auto x = to<X>(numbers);
  auto expected = unwritten<float>(kRows * width);
  l2_normalize_plain(from(x).data(), expected.data(), width, 0, kRows);
  auto found = unwritten<Out>(kRows * width);
  l2_normalize_rows(x.data(), found.data(), width, kSplit, kRows);
  l2_normalize_rows(x.data(), found.data(), width, 0, kSplit);
  compare(std::string(kName<X>) + "to " + kName<Out> + "unit length of " + std::to_string(width),
          expected, from(found), kTolerance<Out>);
}

// NaN that rounding to bf16 might carry to zero.
void test_nan_to_bf16() {
  std::vector<float> x(19);
  std::memset(x.data(), 0xff, x.size() * sizeof(float));
  std::vector<uint16_t> out(x.size());
  convert_numbers(x.data(), out.data(), static_cast<int64_t>(x.size()));
  for (const float number : from(out)) EXPECT(std::isnan(number));
}

void test_all() {
  for (const Activation& activation : kActivations) {
    for (const int64_t count : {1, 7, 8, 33, 1000}) {
      test_activation<float>(activation, count);
      test_activation<uint16_t>(activation, count);
    }
    test_relative_error(activation);
    test_special<float>(activation);
    test_special<uint16_t>(activation);
  }
  for (const int64_t width : {1, 31, 64, 1000}) {
    test_add_and_convert<float, float>(width);
    test_add_and_convert<float, uint16_t>(width);
    test_add_and_convert<uint16_t, float>(width);
    test_add_and_convert<uint16_t, uint16_t>(width);
    test_mean<float>(1 + width % 7, width);
    test_mean<uint16_t>(1 + width % 7, width);
    test_l2_normalize<float, float>(width);
    test_l2_normalize<float, uint16_t>(width);
    test_l2_normalize<uint16_t, float>(width);
    test_l2_normalize<uint16_t, uint16_t>(width);
  }
  test_nan_to_bf16();
}

}  // namespace
}  // namespace llm2clip

int main() {
  llm2clip::test_all();
  return llm2clip::testing::exit_code();
}
