// Compares the fast kernels of norms and gates, and the kernels that they are fused with, with the
// plain ones, for widths that fill vectors and widths that do not. Prints one line per comparison.
#include <string>

#include "compare.h"
#include "kernels/cpu/gate.h"
#include "kernels/cpu/gated_norm.h"
#include "kernels/cpu/layer_norm.h"
#include "kernels/cpu/rms_norm.h"

namespace llm2clip {
namespace {

using namespace testing;

constexpr int64_t kRows = 5, kSplit = 2;
constexpr double kEps = 1e-6;

// bf16 results differ by up to half a unit in the last of their eight bits.
template <typename T>
constexpr float kTolerance = sizeof(T) == 2 ? 4e-3F : 1e-5F;
template <typename T>
constexpr const char* kName = sizeof(T) == 2 ? "bf16" : "fp32";

std::string shape(int64_t width) {
  return " [" + std::to_string(kRows) + ", " + std::to_string(width) + "]";
}

template <typename X, typename T>
void test_layer_norm(int64_t width) {
  const LayerNormArguments a{width, kEps};
  const auto x = to<X>(random_numbers(kRows * width, 3.0F));
  const auto weight = to<T>(random_numbers(width));
  const auto bias = to<T>(random_numbers(width));
  auto expected = unwritten<float>(kRows * width);
  layer_norm_plain(from(x).data(), from(weight).data(), from(bias).data(), expected.data(), a, 0,
                   kRows);
  auto found = unwritten<T>(kRows * width);
  layer_norm_rows(x.data(), weight.data(), bias.data(), found.data(), a, kSplit, kRows);
  layer_norm_rows(x.data(), weight.data(), bias.data(), found.data(), a, 0, kSplit);
  compare(std::string(kName<X>) + " → " + kName<T> + " layer norm" + shape(width), expected,
          from(found), kTolerance<T>);
}

template <typename T>
void test_add_layer_norm(int64_t width, bool in_place) {
  const LayerNormArguments a{width, kEps};
  auto x = random_numbers(kRows * width, 3.0F);
  const auto y = to<T>(random_numbers(kRows * width));
  const auto weight = to<T>(random_numbers(width));
  const auto bias = to<T>(random_numbers(width));
  auto expected_sum = x, expected = unwritten<float>(kRows * width);
  for (size_t i = 0; i < x.size(); ++i) expected_sum[i] += from(y)[i];
  layer_norm_plain(expected_sum.data(), from(weight).data(), from(bias).data(), expected.data(), a,
                   0, kRows);
  auto other = unwritten<float>(kRows * width);
  auto& sum = in_place ? x : other;
  auto found = unwritten<T>(kRows * width);
  add_layer_norm_rows(x.data(), y.data(), weight.data(), bias.data(), sum.data(), found.data(), a,
                      kSplit, kRows);
  add_layer_norm_rows(x.data(), y.data(), weight.data(), bias.data(), sum.data(), found.data(), a,
                      0, kSplit);
  const std::string what =
      std::string(kName<T>) + " add and layer norm" + shape(width) + (in_place ? " in place" : "");
  compare(what + ", sum", expected_sum, sum, 0);
  compare(what, expected, from(found), kTolerance<T>);
}

template <typename T>
void test_gated_norm(int64_t hidden) {
  const GatedNormArguments a{hidden, kEps};
  const auto gate_up = to<T>(random_numbers(kRows * 2 * hidden, 3.0F));
  const auto weight = to<T>(random_numbers(hidden));
  const auto bias = to<T>(random_numbers(hidden));
  auto expected = unwritten<float>(kRows * hidden);
  gated_norm_plain(from(gate_up).data(), from(weight).data(), from(bias).data(), expected.data(), a,
                   0, kRows);
  auto found = unwritten<T>(kRows * hidden);
  gated_norm_rows(gate_up.data(), weight.data(), bias.data(), found.data(), a, kSplit, kRows);
  gated_norm_rows(gate_up.data(), weight.data(), bias.data(), found.data(), a, 0, kSplit);
  compare(std::string(kName<T>) + " gated norm" + shape(hidden), expected, from(found),
          kTolerance<T>);
}

template <typename T>
void test_rms_norm(int64_t width) {
  const RmsNormArguments a{width, kEps};
  const auto x = random_numbers(kRows * width, 3.0F);
  const auto weight = to<T>(random_numbers(width));
  auto expected = unwritten<float>(kRows * width);
  rms_norm_plain(x.data(), from(weight).data(), expected.data(), a, 0, kRows);
  auto found = unwritten<T>(kRows * width);
  rms_norm_rows(x.data(), weight.data(), found.data(), a, kSplit, kRows);
  rms_norm_rows(x.data(), weight.data(), found.data(), a, 0, kSplit);
  compare(std::string(kName<T>) + " rms norm" + shape(width), expected, from(found), kTolerance<T>);
}

template <typename T>
void test_add_rms_norm(int64_t width, bool in_place) {
  const RmsNormArguments a{width, kEps};
  auto x = random_numbers(kRows * width, 3.0F);
  const auto y = to<T>(random_numbers(kRows * width));
  const auto weight = to<T>(random_numbers(width));
  auto expected_sum = x, expected = unwritten<float>(kRows * width);
  for (size_t i = 0; i < x.size(); ++i) expected_sum[i] += from(y)[i];
  rms_norm_plain(expected_sum.data(), from(weight).data(), expected.data(), a, 0, kRows);
  auto other = unwritten<float>(kRows * width);
  auto& sum = in_place ? x : other;
  auto found = unwritten<T>(kRows * width);
  add_rms_norm_rows(x.data(), y.data(), weight.data(), sum.data(), found.data(), a, kSplit, kRows);
  add_rms_norm_rows(x.data(), y.data(), weight.data(), sum.data(), found.data(), a, 0, kSplit);
  const std::string what =
      std::string(kName<T>) + " add and rms norm" + shape(width) + (in_place ? " in place" : "");
  compare(what + ", sum", expected_sum, sum, 0);
  compare(what, expected, from(found), kTolerance<T>);
}

template <typename T>
void test_gate(int64_t hidden) {
  const auto gate_up = to<T>(random_numbers(kRows * 2 * hidden, 3.0F));
  auto expected = unwritten<float>(kRows * hidden);
  gate_plain(from(gate_up).data(), expected.data(), hidden, 0, kRows);
  auto found = unwritten<T>(kRows * hidden);
  gate_rows(gate_up.data(), found.data(), hidden, kSplit, kRows);
  gate_rows(gate_up.data(), found.data(), hidden, 0, kSplit);
  compare(std::string(kName<T>) + " gate" + shape(hidden), expected, from(found), kTolerance<T>);
}

void test_all() {
  for (const int64_t width : {1, 2, 31, 32, 100, 1024}) {
    test_layer_norm<float, float>(width);
    test_layer_norm<float, uint16_t>(width);
    test_layer_norm<uint16_t, uint16_t>(width);
    test_add_layer_norm<float>(width, width % 2 == 0);
    test_add_layer_norm<uint16_t>(width, width % 2 == 0);
    test_rms_norm<float>(width);
    test_rms_norm<uint16_t>(width);
    test_add_rms_norm<float>(width, width % 2 == 0);
    test_add_rms_norm<uint16_t>(width, width % 2 == 0);
  }
  for (const int64_t hidden : {1, 31, 32, 2730}) {
    test_gated_norm<float>(hidden);
    test_gated_norm<uint16_t>(hidden);
    test_gate<float>(hidden);
    test_gate<uint16_t>(hidden);
  }
}

}  // namespace
}  // namespace llm2clip

int main() {
  llm2clip::test_all();
  return llm2clip::testing::exit_code();
}
