// Compares the fast attention kernels with the plain one, for sizes that fill tiles and sizes that
// do not. Prints one line per comparison.
#include <cmath>
#include <string>
#include <vector>

#include "attention_cases.h"
#include "kernels/cpu/pool_attention.h"

namespace llm2clip {
namespace {

using namespace testing;

constexpr int64_t kBatch = 2;

struct Generic {
  using T = float;
  static constexpr const char* kName = "generic fp32";
  static constexpr float kTolerance = 2e-5F;
  static constexpr auto attention = attention_generic;
  static constexpr auto scratch = attention_scratch_generic;
};

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

}  // namespace
}  // namespace llm2clip

int main() {
  using namespace llm2clip;
  test_pool_attentions();
  testing::test_attentions<Generic>();
  testing::test_own_attentions();
  return testing::exit_code();
}
