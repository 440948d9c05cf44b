// Compares the CPU's operations over whole batches, with one thread and with several, with the
// plain kernels. Prints one line per comparison.
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/float16.h"
#include "compare.h"
#include "kernels/cpu/activation.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/gate.h"
#include "kernels/cpu/gated_norm.h"
#include "kernels/cpu/layer_norm.h"
#include "kernels/cpu/pool_attention.h"
#include "kernels/cpu/rms_norm.h"
#include "kernels/cpu/rows.h"
#include "ops/activation.h"
#include "ops/attention.h"
#include "ops/int8_calibration.h"
#include "ops/norms.h"
#include "ops/patches.h"
#include "ops/rows.h"
#include "some_workers.h"

namespace llm2clip {
namespace {

using namespace testing;

constexpr double kEps = 1e-5;

template <typename T>
constexpr Element kElement = sizeof(T) == 2 ? Element::kBf16 : Element::kF32;
template <typename T>
constexpr float kTolerance = sizeof(T) == 2 ? 4e-3F : 1e-5F;
template <typename T>
const std::string kName = sizeof(T) == 2 ? "bf16 " : "fp32 ";

template <typename T>
ConstMatrix matrix(const std::vector<T>& numbers, int64_t width) {
  return {numbers.data(), kElement<T>, static_cast<int64_t>(numbers.size()) / width, width};
}
template <typename T>
Matrix matrix(std::vector<T>& numbers, int64_t width) {
  return {numbers.data(), kElement<T>, static_cast<int64_t>(numbers.size()) / width, width};
}

// The cosines and sines of random angles.
struct Angles {
  explicit Angles(int64_t count) : cos(random_numbers(count, 2.0F)), sin(cos) {
    for (float& angle : cos) angle = std::cos(angle);
    for (float& angle : sin) angle = std::sin(angle);
  }
  std::vector<float> cos, sin;
};

template <typename T>
void test_attention(Workers& workers, int64_t images, int64_t tokens, bool half, float tolerance) {
  constexpr int64_t kHeads = 3, kDim = 24;
  const Angles angles(tokens * kDim);
  const AttentionArguments plain{tokens, kHeads, kDim, angles.cos.data(), angles.sin.data()};
  const auto qkv = to<T>(random_numbers(images * tokens * plain.row()));
  auto expected = unwritten<float>(images * tokens * kHeads * kDim);
  attention_plain(from(qkv).data(), expected.data(), plain, 0, images * kHeads);
  auto found = unwritten<T>(images * tokens * kHeads * kDim);
  attention(workers, {tokens, kHeads, kDim, angles.cos.data(), angles.sin.data(), half},
            matrix(qkv, plain.row()), matrix(found, kHeads * kDim));
  compare("attention, " + attention_kernel(kElement<T>, half) + ", " + std::to_string(images) +
              " images × " + std::to_string(tokens),
          expected, from(found), tolerance);
}

template <typename T>
void test_text_attention(Workers& workers, bool half, float tolerance) {
  constexpr int64_t kHeads = 4, kKvHeads = 2, kDim = 16;
  const std::vector<int32_t> offsets{7, 8, 40, 43, 60};  // a part of a larger batch
  constexpr int64_t kFirst = 7, kTokens = 60 - kFirst, kMost = 32;
  const Angles angles(kMost * kDim);
  AttentionArguments plain{0, kHeads, kDim, angles.cos.data(), angles.sin.data(), kKvHeads};
  const auto qkv = to<T>(random_numbers(kTokens * plain.row()));
  auto expected = unwritten<float>(kTokens * kHeads * kDim);
  const auto numbers = from(qkv);
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    const int64_t begin = offsets[i] - kFirst;
    plain.tokens = offsets[i + 1] - offsets[i];
    attention_plain(numbers.data() + begin * plain.row(), expected.data() + begin * kHeads * kDim,
                    plain, 0, kHeads);
  }
  auto found = unwritten<T>(kTokens * kHeads * kDim);
  text_attention(workers, {kHeads, kKvHeads, kDim, angles.cos.data(), angles.sin.data(), half},
                 offsets, matrix(qkv, plain.row()), matrix(found, kHeads * kDim));
  compare("text attention, " + attention_kernel(kElement<T>, half), expected, from(found),
          tolerance);
}

void test_attentions(Workers& workers) {
  for (const int64_t tokens : {1, 50}) {
    test_attention<float>(workers, 2, tokens, false, 2e-5F);
    test_attention<float>(workers, 2, tokens, true, 1e-3F);
  }
  test_text_attention<float>(workers, false, 2e-5F);
  test_text_attention<float>(workers, true, 1e-3F);
  if (has_attention(Element::kBf16)) {
    test_attention<uint16_t>(workers, 2, 50, true, 1.5e-2F);
    test_text_attention<uint16_t>(workers, true, 1.5e-2F);
  }
}

template <typename T>
void test_pool_attention(Workers& workers) {
  constexpr int64_t kImages = 2, kTokens = 30, kHeads = 3, kDim = 24, kWidth = kHeads * kDim;
  const auto query = random_numbers(kWidth);
  const auto kv = to<T>(random_numbers(kImages * kTokens * 2 * kWidth));
  auto expected = unwritten<float>(kImages * kWidth);
  pool_attention_plain(query.data(), from(kv).data(), expected.data(), {kTokens, kHeads, kDim}, 0,
                       kImages * kHeads);
  auto found = unwritten<T>(kImages * kWidth);
  pool_attention(workers, kHeads, query.data(), kTokens, matrix(kv, 2 * kWidth),
                 matrix(found, kWidth));
  compare(kName<T> + "pool attention", expected, from(found), kTolerance<T>);
}

template <typename T>
void test_layer_norms(Workers& workers, int64_t rows, int64_t width) {
  auto stream = random_numbers(rows * width, 3.0F);
  const auto delta = to<T>(random_numbers(rows * width));
  const auto weight = to<T>(random_numbers(width)), bias = to<T>(random_numbers(width));
  const LayerNormWeights weights{weight.data(), bias.data(), kEps};
  const auto plain = [&](const std::vector<float>& x) {
    auto result = unwritten<float>(rows * width);
    layer_norm_plain(x.data(), from(weight).data(), from(bias).data(), result.data(), {width, kEps},
                     0, rows);
    return result;
  };
  const std::string shape = " of " + std::to_string(rows) + " × " + std::to_string(width);
  auto found = unwritten<T>(rows * width);
  layer_norm(workers, weights, matrix(stream, width), matrix(found, width));
  compare(kName<T> + "layer norm of f32" + shape, plain(stream), from(found), kTolerance<T>);
  layer_norm(workers, weights, matrix(delta, width), matrix(found, width));
  compare(kName<T> + "layer norm" + shape, plain(from(delta)), from(found), kTolerance<T>);
  auto sum = stream;
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += from(delta)[i];
  add_layer_norm(workers, weights, matrix(stream, width), matrix(delta, width),
                 matrix(stream, width), matrix(found, width));
  compare(kName<T> + "add" + shape, sum, stream, 0);
  compare(kName<T> + "add and layer norm" + shape, plain(sum), from(found), kTolerance<T>);
}

template <typename T>
void test_rms_norms(Workers& workers, int64_t rows, int64_t width) {
  const auto stream = random_numbers(rows * width, 3.0F);
  const auto delta = to<T>(random_numbers(rows * width));
  const auto weight = to<T>(random_numbers(width));
  const auto plain = [&](const std::vector<float>& x) {
    auto result = unwritten<float>(rows * width);
    rms_norm_plain(x.data(), from(weight).data(), result.data(), {width, kEps}, 0, rows);
    return result;
  };
  auto found = unwritten<T>(rows * width);
  rms_norm(workers, {weight.data(), kEps}, matrix(stream, width), matrix(found, width));
  compare(kName<T> + "rms norm", plain(stream), from(found), kTolerance<T>);
  auto expected_sum = stream, sum = unwritten<float>(rows * width);
  for (size_t i = 0; i < sum.size(); ++i) expected_sum[i] += from(delta)[i];
  add_rms_norm(workers, {weight.data(), kEps}, matrix(stream, width), matrix(delta, width),
               matrix(sum, width), matrix(found, width));
  compare(kName<T> + "add", expected_sum, sum, 0);
  compare(kName<T> + "add and rms norm", plain(sum), from(found), kTolerance<T>);
}

template <typename T>
void test_gates(Workers& workers, int64_t rows, int64_t hidden) {
  const auto gate_up = to<T>(random_numbers(rows * 2 * hidden, 2.0F));
  const auto weight = to<T>(random_numbers(hidden)), bias = to<T>(random_numbers(hidden));
  auto expected = unwritten<float>(rows * hidden);
  auto found = unwritten<T>(rows * hidden);
  gate_plain(from(gate_up).data(), expected.data(), hidden, 0, rows);
  gate(workers, matrix(gate_up, 2 * hidden), matrix(found, hidden));
  compare(kName<T> + "gate", expected, from(found), kTolerance<T>);
  gated_norm_plain(from(gate_up).data(), from(weight).data(), from(bias).data(), expected.data(),
                   {hidden, kEps}, 0, rows);
  gated_norm(workers, {weight.data(), bias.data(), kEps}, matrix(gate_up, 2 * hidden),
             matrix(found, hidden));
  compare(kName<T> + "gated norm", expected, from(found), kTolerance<T>);
}

template <typename T>
void test_activations(Workers& workers) {
  constexpr int64_t kRows = 19, kWidth = 37;
  auto x = to<T>(random_numbers(kRows * kWidth, 2.0F));
  auto expected = unwritten<float>(kRows * kWidth);
  auto found = unwritten<T>(kRows * kWidth);
  quick_gelu_plain(from(x).data(), expected.data(), kRows * kWidth);
  quick_gelu(workers, matrix(x, kWidth), matrix(found, kWidth));
  compare(kName<T> + "quick_gelu", expected, from(found), kTolerance<T>);
  gelu_plain(from(x).data(), expected.data(), kRows * kWidth);
  gelu(workers, matrix(x, kWidth), matrix(found, kWidth));
  compare(kName<T> + "gelu", expected, from(found), kTolerance<T>);
  gelu_tanh_plain(from(x).data(), expected.data(), kRows * kWidth);
  gelu_tanh(workers, matrix(x, kWidth), matrix(x, kWidth));
  compare(kName<T> + "gelu_tanh in place", expected, from(x), kTolerance<T>);
}

template <typename X, typename Out>
void test_rows(Workers& workers) {
  constexpr int64_t kImages = 11, kTokens = 3, kToken = 1, kWidth = 13, kFirst = 4, kSome = 6;
  const auto x = to<X>(random_numbers(kImages * kTokens * kWidth));
  const auto numbers = from(to<Out>(from(x)));
  std::vector<float> token, columns;
  for (int64_t i = 0; i < kImages * kTokens; ++i) {
    const auto row = numbers.begin() + i * kWidth;
    if (i % kTokens == kToken) token.insert(token.end(), row, row + kWidth);
    columns.insert(columns.end(), row + kFirst, row + kFirst + kSome);
  }
  const std::string what = " of " + kName<X> + "as " + kName<Out>;
  auto found = unwritten<Out>(kImages * kTokens * kWidth);
  convert(workers, matrix(x, kWidth), matrix(found, kWidth));
  compare("copy" + what, numbers, from(found), 0);
  auto selected = unwritten<Out>(kImages * kWidth);
  select_token(workers, matrix(x, kWidth), kTokens, kToken, matrix(selected, kWidth));
  compare("token" + what, token, from(selected), 0);
  auto some = unwritten<Out>(kImages * kTokens * kSome);
  select_columns(workers, matrix(x, kWidth), kFirst, matrix(some, kSome));
  compare("columns" + what, columns, from(some), 0);
  auto sums = from(x), expected = sums;
  for (size_t i = 0; i < sums.size(); ++i) expected[i] += numbers[i];
  add(workers, matrix(sums, kWidth), matrix(found, kWidth), matrix(sums, kWidth));
  compare("sum" + what, expected, sums, 0);
  l2_normalize_plain(from(x).data(), expected.data(), kWidth, 0, kImages * kTokens);
  l2_normalize(workers, matrix(x, kWidth), matrix(found, kWidth));
  compare("unit length" + what, expected, from(found), kTolerance<Out>);
}

void test_embed(Workers& workers) {
  constexpr int64_t kVocabulary = 9, kWidth = 5;
  const auto numbers = from(to<uint16_t>(random_numbers(kVocabulary * kWidth)));
  const std::vector<int32_t> ids{8, 0, 3, 3, 1, 2, 5, 7, 6, 4, 0};
  std::vector<float> expected;
  for (const int32_t id : ids) {
    const auto row = numbers.begin() + id * kWidth;
    expected.insert(expected.end(), row, row + kWidth);
  }
  const std::vector<Float16> halves(numbers.begin(), numbers.end());
  const auto bf16 = to<uint16_t>(numbers);
  auto found = unwritten<float>(static_cast<int64_t>(expected.size()));
  const auto look_up = [&](Dtype dtype, const void* table, float tolerance) {
    embed(workers, static_cast<const std::byte*>(table), dtype, ids, matrix(found, kWidth));
    compare(std::string("embed ") + name(dtype), expected, found, tolerance);
  };
  look_up(Dtype::kF32, numbers.data(), 0);
  look_up(Dtype::kBF16, bf16.data(), 0);
  look_up(Dtype::kF16, halves.data(), 1e-3F);
}

template <typename T>
void test_text_mean(Workers& workers) {
  constexpr int64_t kWidth = 21, kFirst = 3;
  const std::vector<int32_t> offsets{kFirst, 4, 9, 15}, pooled{1, 3, 6};
  const auto x = to<T>(random_numbers((15 - kFirst) * kWidth));
  std::vector<float> expected(pooled.size() * kWidth), found = expected;
  for (size_t i = 0; i < pooled.size(); ++i) {
    mean_of_rows_plain(from(x).data() + (offsets[i + 1] - kFirst - pooled[i]) * kWidth,
                       expected.data() + i * kWidth, pooled[i], kWidth);
  }
  text_mean(workers, offsets, pooled, matrix(x, kWidth), matrix(found, kWidth));
  compare(kName<T> + "text mean", expected, found, 1e-6F);
}

template <typename T>
void test_patches(Workers& workers) {
  constexpr int64_t kImages = 2, kSize = 17, kPatch = 5, kGrid = 3;  // two pixels are left over
  const auto pixels = random_numbers(kImages * 3 * kSize * kSize);
  std::vector<float> expected;
  for (int64_t patch = 0; patch < kImages * kGrid * kGrid; ++patch) {
    const int64_t image = patch / (kGrid * kGrid), row = patch / kGrid % kGrid;
    for (int64_t i = 0; i < 3 * kPatch * kPatch; ++i) {
      const int64_t channel = i / (kPatch * kPatch);
      const int64_t y = row * kPatch + i / kPatch % kPatch;
      const int64_t x = patch % kGrid * kPatch + i % kPatch;
      expected.push_back(pixels[((image * 3 + channel) * kSize + y) * kSize + x]);
    }
  }
  auto found = unwritten<T>(static_cast<int64_t>(expected.size()));
  patches(workers, pixels.data(), kSize, kPatch, matrix(found, 3 * kPatch * kPatch));
  compare(kName<T> + "patches", from(to<T>(expected)), from(found), 0);
}

template <typename X, typename P>
void test_patch_tokens(Workers& workers, bool with_class) {
  constexpr int64_t kImages = 3, kPatches = 4, kWidth = 7;
  const int64_t tokens = kPatches + (with_class ? 1 : 0);
  const auto x = to<X>(random_numbers(kImages * kPatches * kWidth));
  const auto position = to<P>(random_numbers(tokens * kWidth));
  const auto cls = to<P>(random_numbers(kWidth));
  std::vector<float> expected, patch = from(x);
  auto next = patch.begin();
  for (int64_t i = 0; i < kImages * tokens * kWidth; ++i) {
    const bool is_class = with_class && i / kWidth % tokens == 0;
    const float number = is_class ? from(cls)[static_cast<size_t>(i % kWidth)] : *next++;
    expected.push_back(number + from(position)[static_cast<size_t>(i % (tokens * kWidth))]);
  }
  auto found = unwritten<float>(static_cast<int64_t>(expected.size()));
  patch_tokens(workers, {matrix(position, kWidth), with_class ? cls.data() : nullptr},
               matrix(x, kWidth), matrix(found, kWidth));
  compare(kName<X> + "patch tokens" + (with_class ? ", class token" : ""), expected, found, 0);
}

// A layer whose inputs are all zeros has no tokens to compare.
void test_calibration_with_zeros(Workers& workers) {
  constexpr int64_t kIn = 8, kOut = 5;
  const std::vector<float> observation(static_cast<size_t>(observation_size(kIn))),
      weight = random_numbers(kOut * kIn);
  const Int8Effect effect = int8_effect(workers, observation, weight, kIn);
  EXPECT(std::isnan(effect.cosine) && effect.smoothing.empty());
}

template <typename T>
void test_all_of(Workers& workers) {
  test_pool_attention<T>(workers);
  for (const int64_t rows : {1, 8, 21}) test_layer_norms<T>(workers, rows, 33);
  test_rms_norms<T>(workers, 19, 33);
  test_gates<T>(workers, 19, 33);
  test_activations<T>(workers);
  test_rows<T, float>(workers);
  test_rows<T, uint16_t>(workers);
  test_text_mean<T>(workers);
  test_patches<T>(workers);
  for (const bool with_class : {false, true}) {
    test_patch_tokens<T, float>(workers, with_class);
    test_patch_tokens<T, T>(workers, with_class);
  }
}

void test_all(int64_t threads) {
  SomeWorkers workers(threads);
  test_attentions(workers);
  test_embed(workers);
  test_calibration_with_zeros(workers);
  test_all_of<float>(workers);
  test_all_of<uint16_t>(workers);
}

}  // namespace
}  // namespace llm2clip

int main() {
  for (const int64_t threads : {1, 3}) llm2clip::test_all(threads);
  return llm2clip::testing::exit_code();
}
