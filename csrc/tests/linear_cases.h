#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "compare.h"
#include "kernels/cpu/linear.h"
#include "packed_weight.h"

namespace llm2clip::testing {

// Compares linear kernels with their plain reference, for sizes that fill tiles and sizes that do
// not.

struct FloatLinearCase {
  int64_t rows, in, out;
  bool with_bias;
  int64_t threads;
};

inline std::string describe(const char* kernel, const FloatLinearCase& c) {
  return std::string(kernel) + " [" + std::to_string(c.rows) + ", " + std::to_string(c.in) +
         "] → " + std::to_string(c.out) + (c.with_bias ? " with bias" : "");
}

inline std::vector<float> expected(const std::vector<float>& x, const std::vector<float>& weight,
                                   const float* bias, const LinearArguments& a) {
  std::vector<float> result(static_cast<size_t>(a.rows * a.out));
  linear_plain(x.data(), weight.data(), bias, result.data(), a);
  return result;
}

template <typename Stored, typename Multiply>
void test_f32_linear(const FloatLinearCase& c, const char* name, const std::vector<float>& weight,
                     WeightType type, const std::vector<Stored>& stored, PanelForm form,
                     const Multiply& multiply) {
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

// Calls test(case) for each of these sizes.
template <typename Test>
void each_linear(const Test& test) {
  for (const int64_t rows : {1, 5, 6, 7, 53}) {
    for (const int64_t out : {1, 16, 63, 64, 65, 130}) {
      test(FloatLinearCase{rows, 33, out, true, 3});
      test(FloatLinearCase{rows, 36, out, true, 3});
    }
  }
  for (const int64_t in : {1, 2, 4, 511, 512, 513, 516, 1032}) {
    test(FloatLinearCase{13, in, 70, false, 1});
  }
  for (const int64_t rows : {20, 101}) test(FloatLinearCase{rows, 1032, 140, true, 1});
  test(FloatLinearCase{1207, 40, 100, true, 2});
}

// Tests the kernels of this architecture that this processor supports.
void test_own_linears();

}  // namespace llm2clip::testing
