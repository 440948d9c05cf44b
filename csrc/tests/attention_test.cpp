// Compares the fast attention kernels with the plain one, for sizes that fill tiles and sizes that
// do not. Prints one line per comparison.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "compare.h"
#include "kernels/cpu/attention.h"

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
  if (has_avx2()) {
    test_all<Int16Avx2>();
  } else {
    std::puts("skipped: int16 attention of AVX2");
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
