// Compares the fast attention kernels with the plain one, for sizes that fill tiles and sizes that
// do not. Prints one line per comparison.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "compare.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/pool_attention.h"

namespace llm2clip {
namespace {

using namespace testing;

constexpr int64_t kBatch = 2;

struct Case {
  int64_t tokens, heads, dim;
  bool with_angles;
  int64_t kv_heads = heads;
};

struct Fp32 {
  using T = float;
  static constexpr const char* kName = "fp32";
  static constexpr float kTolerance = 2e-5F;
  static constexpr auto attention = attention_avx512;
  static constexpr auto scratch = attention_scratch;
};

struct Fp32Avx2 {
  using T = float;
  static constexpr const char* kName = "fp32, AVX2,";
  static constexpr float kTolerance = 2e-5F;
  static constexpr auto attention = attention_avx2;
  static constexpr auto scratch = attention_scratch_avx2;
};

struct Generic {
  using T = float;
  static constexpr const char* kName = "generic fp32";
  static constexpr float kTolerance = 2e-5F;
  static constexpr auto attention = attention_generic;
  static constexpr auto scratch = attention_scratch_generic;
};

struct Bf16 {
  using T = uint16_t;
  static constexpr const char* kName = "bf16";
  static constexpr float kTolerance = 1.5e-2F;
  static constexpr auto attention = attention_avx512_bf16;
  static constexpr auto scratch = attention_scratch_bf16;
};

struct Int16 {
  using T = float;
  static constexpr const char* kName = "int16";
  static constexpr float kTolerance = 1e-3F;
  static constexpr auto attention = attention_avx512_vnni;
  static constexpr auto scratch = attention_scratch_int16;
};

struct Int16Avx2 {
  using T = float;
  static constexpr const char* kName = "int16, AVX2,";
  static constexpr float kTolerance = 1e-3F;
  static constexpr auto attention = attention_int16_avx2;
  static constexpr auto scratch = attention_scratch_int16_avx2;
};

template <typename Kernel>
void test_one(const Case& c) {
  auto cos = random_numbers(c.tokens * c.dim, 2.0F), sin = cos;
  for (float& angle : cos) angle = std::cos(angle);
  for (float& angle : sin) angle = std::sin(angle);
  const AttentionArguments a{c.tokens,
                             c.heads,
                             c.dim,
                             c.with_angles ? cos.data() : nullptr,
                             c.with_angles ? sin.data() : nullptr,
                             c.kv_heads};
  const int64_t heads = kBatch * c.heads, size = heads * c.tokens * c.dim;
  const auto qkv = to<typename Kernel::T>(random_numbers(kBatch * c.tokens * a.row(), 1.5F));
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
void test_nan() {
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

template <typename T>
void test_pool_attention(int64_t tokens, int64_t dim) {
  constexpr int64_t kHeads = 3;
  const PoolAttentionArguments a{tokens, kHeads, dim};
  const auto query = random_numbers(kHeads * dim, 2.0F);
  const auto kv = to<T>(random_numbers(kBatch * tokens * a.row(), 1.5F));
  auto expected = unwritten<float>(kBatch * kHeads * dim);
  pool_attention_plain(query.data(), from(kv).data(), expected.data(), a, 0, kBatch * kHeads);
  auto found = unwritten<T>(kBatch * kHeads * dim);
  std::vector<float> scratch(static_cast<size_t>(pool_attention_scratch(a)));
  pool_attention_heads(query.data(), kv.data(), found.data(), a, scratch.data(), 2,
                       kBatch * kHeads);
  pool_attention_heads(query.data(), kv.data(), found.data(), a, scratch.data(), 0, 2);
  compare(std::string(sizeof(T) == 2 ? "bf16" : "fp32") + " pool attention of " +
              std::to_string(tokens) + " tokens × " + std::to_string(dim),
          expected, from(found), sizeof(T) == 2 ? 4e-3F : 1e-5F);
}

// A key that is NaN spoils the result of its head and image.
void test_pool_attention_of_nan() {
  constexpr int64_t kTokens = 21, kHeads = 2, kDim = 8;
  const PoolAttentionArguments a{kTokens, kHeads, kDim};
  const auto query = random_numbers(kHeads * kDim);
  auto kv = random_numbers(kTokens * a.row());
  kv[3 * a.row() + kDim] = NAN;  // of the second head
  std::vector<float> found(kHeads * kDim);
  std::vector<float> scratch(static_cast<size_t>(pool_attention_scratch(a)));
  pool_attention_heads(query.data(), kv.data(), found.data(), a, scratch.data(), 0, kHeads);
  for (int64_t i = 0; i < kHeads * kDim; ++i) EXPECT(std::isnan(found[i]) == (i >= kDim));
}

void test_pool_attentions() {
  for (const int64_t tokens : {1, 15, 16, 256}) {
    for (const int64_t dim : {1, 8, 72}) {
      test_pool_attention<float>(tokens, dim);
      test_pool_attention<uint16_t>(tokens, dim);
    }
  }
  test_pool_attention_of_nan();
}

template <typename Kernel>
void test_all() {
  for (const int64_t tokens : {1, 2, 5, 16, 63, 64, 65, 80, 81, 197}) {
    test_one<Kernel>({tokens, 2, 64, tokens % 2 == 1});
  }
  for (const int64_t dim : {2, 6, 16, 24, 72, 80, 128, 144}) {
    test_one<Kernel>({71, 3, dim, dim != 16});
  }
  for (const int64_t kv_heads : {1, 2, 4}) test_one<Kernel>({33, 8, 64, true, kv_heads});
  test_nan<Kernel>();
}

}  // namespace
}  // namespace llm2clip

int main() {
  using namespace llm2clip;
  test_pool_attentions();
  test_all<Generic>();
  if (has_avx2()) {
    test_all<Fp32Avx2>();
    test_all<Int16Avx2>();
  } else {
    std::puts("skipped: fp32 and int16 attention of AVX2");
  }
  if (has_avx512()) {
    test_all<Fp32>();
  } else {
    std::puts("skipped: fp32 attention needs AVX-512");
  }
  if (has_avx512_vnni()) {
    test_all<Int16>();
  } else {
    std::puts("skipped: int16 attention needs AVX-512 VNNI");
  }
  if (has_avx512_bf16()) {
    test_all<Bf16>();
  } else {
    std::puts("skipped: bf16 attention needs AVX-512 BF16");
  }
  return testing::exit_code();
}
