#pragma once

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "compare.h"
#include "kernels/cpu/attention.h"

namespace llm2clip::testing {

// Compares an attention kernel with the plain one, for sizes that fill tiles and sizes that do not.
// A Kernel has the type T of its numbers, kName, kTolerance, attention and scratch.

constexpr int64_t kAttentionBatch = 2;

struct AttentionCase {
  int64_t tokens, heads, dim;
  bool with_angles;
  int64_t kv_heads = heads;
};

template <typename Kernel>
void test_attention(const AttentionCase& c) {
  auto cos = random_numbers(c.tokens * c.dim, 2.0F), sin = cos;
  for (float& angle : cos) angle = std::cos(angle);
  for (float& angle : sin) angle = std::sin(angle);
  const AttentionArguments a{c.tokens,
                             c.heads,
                             c.dim,
                             c.with_angles ? cos.data() : nullptr,
                             c.with_angles ? sin.data() : nullptr,
                             c.kv_heads};
  const int64_t heads = kAttentionBatch * c.heads, size = heads * c.tokens * c.dim;
  const auto qkv =
      to<typename Kernel::T>(random_numbers(kAttentionBatch * c.tokens * a.row(), 1.5F));
  auto expected = unwritten<float>(size);
  attention_plain(from(qkv).data(), expected.data(), a, 0, heads);
  auto found = unwritten<typename Kernel::T>(size);
  // Two scratch areas that follow one another, as with two threads.
  const int64_t room = Kernel::scratch(a);
  const Aligned scratch(2 * room);
  Kernel::attention(qkv.data(), found.data(), a, scratch.get() + room, 1, heads);
  Kernel::attention(qkv.data(), found.data(), a, scratch.get(), 0, 1);
  compare(std::string(Kernel::kName) + " attention of " + std::to_string(c.tokens) + " tokens, " +
              std::to_string(c.heads) + " heads × " + std::to_string(c.dim) +
              (c.kv_heads < c.heads ? " over " + std::to_string(c.kv_heads) : "") +
              (c.with_angles ? ", turned" : ""),
          expected, from(found), Kernel::kTolerance);
}

// A query that is NaN affects only its own row, even when the scratch memory is reused.
template <typename Kernel>
void test_attention_of_nan() {
  constexpr int64_t kTokens = 7, kHeads = 2, kDim = 16, kWidth = kHeads * kDim, kSpoilt = 3;
  const AttentionArguments a{kTokens, kHeads, kDim, nullptr, nullptr};
  auto numbers = random_numbers(kTokens * 3 * kWidth);
  numbers[kSpoilt * 3 * kWidth] = NAN;
  const auto qkv = to<typename Kernel::T>(numbers);
  std::vector<typename Kernel::T> found(kTokens * kWidth, 0);
  const Aligned scratch(Kernel::scratch(a));
  Kernel::attention(qkv.data(), found.data(), a, scratch.get(), 0, kHeads);
  const auto results = from(found);
  bool right = true;
  for (int64_t i = 0; i < kTokens * kWidth; ++i) {
    const bool spoilt = i / kWidth == kSpoilt && i % kWidth < kDim;
    right = right && std::isnan(results[i]) == spoilt;
  }
  EXPECT(right);
  std::printf("%s %s attention of NaN\n", right ? "ok" : "FAILED", Kernel::kName);
}

template <typename Kernel>
void test_attentions() {
  for (const int64_t tokens : {1, 2, 5, 16, 63, 64, 65, 80, 81, 197}) {
    test_attention<Kernel>({tokens, 2, 64, tokens % 2 == 1});
  }
  for (const int64_t dim : {2, 6, 16, 24, 72, 80, 128, 144}) {
    test_attention<Kernel>({71, 3, dim, dim != 16});
  }
  for (const int64_t kv_heads : {1, 2, 4}) test_attention<Kernel>({33, 8, 64, true, kv_heads});
  test_attention_of_nan<Kernel>();
}

// Tests the kernels of this architecture that this processor supports.
void test_own_attentions();

}  // namespace llm2clip::testing
