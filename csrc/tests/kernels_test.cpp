// Every fast kernel against its plain reference, at sizes that fill tiles and at such that do not.
// Prints a line a comparison.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "expect.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/gated_norm.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/tile.h"

namespace llm2clip {
namespace {

std::vector<float> random_numbers(int64_t count, float scale = 1.0F) {
  static std::mt19937 generator(1);
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> numbers(static_cast<size_t>(count));
  for (float& number : numbers) number = normal(generator);
  return numbers;
}

// 64-byte aligned, filled with NaN: what a kernel forgets to write, or reads unwritten, shows.
class Aligned {
 public:
  explicit Aligned(int64_t count)
      : data_(static_cast<float*>(
            std::aligned_alloc(64, (static_cast<size_t>(count) * sizeof(float) + 63) / 64 * 64))) {
    std::fill_n(data_.get(), count, std::nanf(""));
  }
  float* get() const { return data_.get(); }

 private:
  struct Free {
    void operator()(float* data) const { std::free(data); }
  };
  std::unique_ptr<float, Free> data_;
};

void compare(const std::string& what, const std::vector<float>& expected,
             const std::vector<float>& found, float tolerance) {
  float most = 0, difference = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    most = std::max(most, std::abs(expected[i]));
    const float one = std::abs(expected[i] - found[i]);
    difference = std::isnan(one) ? INFINITY : std::max(difference, one);
  }
  const bool same = difference <= tolerance * std::max(most, 1e-3F);
  EXPECT(same);
  std::printf("%s %s: %.1e of %.1e\n", same ? "ok" : "FAILED", what.c_str(), difference, most);
}

void test_linear(int64_t rows, int64_t in, int64_t out, bool with_bias, int64_t threads) {
  const LinearArguments a{rows, in, out};
  const auto x = random_numbers(rows * in), weight = random_numbers(out * in);
  const auto bias = random_numbers(out);
  std::vector<float> expected(static_cast<size_t>(rows * out), 0.0F), found(expected.size(), NAN);
  linear_plain(x.data(), weight.data(), with_bias ? bias.data() : nullptr, expected.data(), a);

  const Aligned packed(linear_panels(out) * in * kTileColumns);
  pack_linear_weight(weight.data(), packed.get(), a, 0, linear_panels(out));
  const LinearShares shares = linear_shares(a, threads);
  const int64_t half = shares.count / 2;
  for (const auto& [first, last] : {std::pair{half, shares.count}, std::pair{int64_t{0}, half}}) {
    linear_avx512(x.data(), packed.get(), with_bias ? bias.data() : nullptr, found.data(), a,
                  shares, first, last);
  }
  compare("linear [" + std::to_string(rows) + ", " + std::to_string(in) + "] → " +
              std::to_string(out) + (with_bias ? " with bias" : ""),
          expected, found, 1e-6F * std::sqrt(static_cast<float>(in)));
}

void test_attention(int64_t tokens, int64_t heads, int64_t dim, bool with_angles) {
  constexpr int64_t kBatch = 2;
  const auto cos = random_numbers(tokens * dim), sin = random_numbers(tokens * dim);
  const AttentionArguments a{tokens, heads, dim, with_angles ? cos.data() : nullptr,
                             with_angles ? sin.data() : nullptr};
  const auto qkv = random_numbers(kBatch * tokens * 3 * heads * dim, 1.5F);
  std::vector<float> expected(static_cast<size_t>(kBatch * tokens * heads * dim), 0.0F),
      found(expected.size(), NAN);
  attention_plain(qkv.data(), expected.data(), a, 0, kBatch * heads);
  const Aligned scratch(attention_scratch(a));
  attention_avx512(qkv.data(), found.data(), a, scratch.get(), 1, kBatch * heads);
  attention_avx512(qkv.data(), found.data(), a, scratch.get(), 0, 1);
  compare("attention of " + std::to_string(tokens) + " tokens, " + std::to_string(heads) +
              " heads × " + std::to_string(dim) + (with_angles ? ", turned" : ""),
          expected, found, 2e-5F);
}

void test_gated_norm(int64_t rows, int64_t hidden) {
  const GatedNormArguments a{hidden, 1e-6};
  const auto gate_up = random_numbers(rows * 2 * hidden, 3.0F);
  const auto weight = random_numbers(hidden), bias = random_numbers(hidden);
  std::vector<float> expected, found(static_cast<size_t>(rows * hidden), NAN);
  for (int64_t row = 0; row < rows; ++row) {
    const float* gate = gate_up.data() + row * 2 * hidden;
    std::vector<double> x;
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < hidden; ++i) {
      x.push_back(gate[i] / (1.0 + std::exp(-static_cast<double>(gate[i]))) * gate[hidden + i]);
      mean += x.back() / static_cast<double>(hidden);
    }
    for (const double value : x) {
      variance += (value - mean) * (value - mean) / static_cast<double>(hidden);
    }
    for (int64_t i = 0; i < hidden; ++i) {
      expected.push_back(
          static_cast<float>((x[i] - mean) / std::sqrt(variance + a.eps) * weight[i] + bias[i]));
    }
  }
  gated_norm_rows(gate_up.data(), weight.data(), bias.data(), found.data(), a, 0, rows);
  compare("gated norm [" + std::to_string(rows) + ", " + std::to_string(hidden) + "]", expected,
          found, 1e-5F);
}

void test_all() {
  for (const int64_t hidden : {1, 31, 32, 2730}) test_gated_norm(3, hidden);
  if (!has_avx512()) {
    std::puts("skipped: linear and attention need AVX-512");
    return;
  }
  for (const int64_t rows : {1, 5, 6, 7, 53}) {
    for (const int64_t out : {1, 16, 63, 64, 65, 130}) test_linear(rows, 33, out, true, 3);
  }
  for (const int64_t in : {1, 511, 512, 513, 1030}) test_linear(13, in, 70, false, 1);
  test_linear(1207, 40, 100, true, 2);
  for (const int64_t tokens : {1, 5, 63, 64, 65, 197}) {
    test_attention(tokens, 2, 64, tokens % 2 == 1);
  }
  for (const int64_t dim : {2, 16, 24, 72, 80, 128, 144}) test_attention(70, 3, dim, dim != 16);
}

}  // namespace
}  // namespace llm2clip

int main() {
  llm2clip::test_all();
  return llm2clip::testing::exit_code();
}
