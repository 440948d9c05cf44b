// The GPU's kernels as their twins on the host against the plain references: index maps, edges and
// arithmetic, at sizes that fill tiles and at such that do not. What only a GPU can show (races,
// the launches themselves) is csrc/gpu_check's.
#include <random>
#include <string>

#include "compare.h"
#include "cuda_elements.h"
#include "cuda_twins.h"
#include "image/resize_plan.h"
#include "kernels/cpu/gated_norm.h"
#include "kernels/cpu/layer_norm.h"
#include "kernels/cpu/rope.h"
#include "kernels/cuda/patches.h"
#include "kernels/cuda/preprocess_plan.h"
#include "kernels/cuda/quick_gelu.h"
#include "kernels/cuda/rope.h"
#include "kernels/cuda/tokens.h"

namespace llm2clip::testing {
namespace {

constexpr double kEps = 1e-6;

template <typename X, typename T>
void test_layer_norm(int64_t rows, int width, int64_t stride) {
  const auto x = elements<X>(random_numbers(rows * stride, 3.0F));
  const auto weight = elements<T>(random_numbers(width)), bias = elements<T>(random_numbers(width));
  auto expected = unwritten<float>(rows * width);
  for (int64_t row = 0; row < rows; ++row) {
    layer_norm_plain(numbers(x).data() + row * stride, numbers(weight).data(), numbers(bias).data(),
                     expected.data() + row * width, {width, kEps}, 0, 1);
  }
  std::vector<T> found = blank<T>(rows * width);
  norm_rows(StoredRow<X>{x.data(), stride}, weight.data(), bias.data(), found.data(), rows,
            {width, width}, static_cast<float>(kEps));
  compare(kind<T> + " layer norm " + std::to_string(width), expected, numbers(found), kWithin<T>);
}

template <typename T>
void test_add_layer_norm(int64_t rows, int width) {
  const auto x = random_numbers(rows * width, 3.0F);
  const auto y = elements<T>(random_numbers(rows * width));
  const auto weight = elements<T>(random_numbers(width)), bias = elements<T>(random_numbers(width));
  auto expected_sum = numbers(y), sum = unwritten<float>(rows * width);
  for (size_t i = 0; i < x.size(); ++i) expected_sum[i] += x[i];
  auto expected = unwritten<float>(rows * width);
  layer_norm_plain(expected_sum.data(), numbers(weight).data(), numbers(bias).data(),
                   expected.data(), {width, kEps}, 0, rows);
  std::vector<T> found = blank<T>(rows * width);
  norm_rows(AddedRow<T>{x.data(), y.data(), sum.data(), width}, weight.data(), bias.data(),
            found.data(), rows, {width, width}, static_cast<float>(kEps));
  compare(kind<T> + " add " + std::to_string(width), expected_sum, sum, 0);
  compare(kind<T> + " add, layer norm", expected, numbers(found), kWithin<T>);
}

template <typename T>
void test_gated_norm(int64_t rows, int hidden) {
  const int padded = static_cast<int>(padded_to(hidden, 64));
  const auto weight = elements<T>(random_numbers(padded)),
             bias = elements<T>(random_numbers(padded));
  const auto gate = elements<T>(random_numbers(rows * hidden, 3.0F));
  const auto up = elements<T>(random_numbers(rows * hidden));
  // NaN wherever there is no number: none of it may be used.
  std::vector<T> gate_up = blank<T>(rows * 2 * padded);
  std::vector<float> packed;
  for (int64_t row = 0; row < rows; ++row) {
    std::copy_n(gate.data() + row * hidden, hidden, gate_up.data() + row * 2 * padded);
    std::copy_n(up.data() + row * hidden, hidden, gate_up.data() + (row * 2 + 1) * padded);
    for (const auto* half : {&gate, &up}) {
      for (int i = 0; i < hidden; ++i) packed.push_back(to_f32((*half)[row * hidden + i]));
    }
  }
  auto reference = unwritten<float>(rows * hidden);
  gated_norm_plain(packed.data(), numbers(weight).data(), numbers(bias).data(), reference.data(),
                   {hidden, kEps}, 0, rows);
  std::vector<float> expected(static_cast<size_t>(rows * padded));
  for (int64_t row = 0; row < rows; ++row) {
    std::copy_n(reference.data() + row * hidden, hidden, expected.data() + row * padded);
  }
  std::vector<T> found = blank<T>(rows * padded);
  norm_rows(GatedRow<T>{gate_up.data(), padded}, weight.data(), bias.data(), found.data(), rows,
            {hidden, padded}, static_cast<float>(kEps));
  compare(kind<T> + " gated norm " + std::to_string(hidden), expected, numbers(found), kWithin<T>);
}

// Angles of pairs as the kernel has them, and as rope_rows() has them.
struct Angles {
  std::vector<float> packed, cos, sin;
};

Angles some_angles(int64_t count) {
  Angles angles;
  for (const float angle : random_numbers(count / 2)) {
    angles.packed.insert(angles.packed.end(), {std::cos(angle), std::sin(angle)});
    angles.cos.insert(angles.cos.end(), 2, std::cos(angle));
    angles.sin.insert(angles.sin.end(), 2, std::sin(angle));
  }
  return angles;
}

template <typename T>
void test_rope(int64_t batch, int tokens, int heads, int dim, bool with_bias) {
  const int64_t width = int64_t{heads} * dim, rows = batch * tokens;
  auto qkv = elements<T>(random_numbers(rows * 3 * width));
  const auto bias = elements<T>(random_numbers(3 * width));
  const Angles angles = some_angles(tokens * dim);
  std::vector<float> expected = numbers(qkv);
  for (int64_t i = 0; with_bias && i < rows * 3 * width; ++i) {
    expected[i] += to_f32(bias[i % (3 * width)]);
  }
  auto q = unwritten<float>(rows * width), k = unwritten<float>(rows * width);
  rope_rows(expected.data(), q.data(), k.data(),
            {tokens, heads, dim, angles.cos.data(), angles.sin.data()}, 0, rows);
  for (int64_t row = 0; row < rows; ++row) {
    std::copy_n(q.data() + row * width, width, expected.data() + row * 3 * width);
    std::copy_n(k.data() + row * width, width, expected.data() + (row * 3 + 1) * width);
  }
  const CudaRopeArguments<T> a{
      qkv.data(), with_bias ? bias.data() : nullptr, angles.packed.data(), rows, tokens, heads,
      dim};
  for (int64_t thread = 0; thread < rope_threads(a); ++thread) rope_at(a, rope_thread(a, thread));
  compare(kind<T> + " rope" + (with_bias ? " with bias" : ""), expected, numbers(qkv), kWithin<T>);
}

template <typename T>
void test_patches(int64_t batch, int size, int patch) {
  const int padded = static_cast<int>(padded_to(3 * patch * patch, kChunk));
  const PatchGrid grid{size, patch, padded};
  const auto pixels = random_numbers(batch * 3 * size * size);
  std::vector<float> expected;
  for (int64_t b = 0; b < batch; ++b) {
    for (int i = 0; i < grid.count(); ++i) {
      const int top = i / grid.side() * patch, left = i % grid.side() * patch;
      for (int c = 0; c < 3; ++c) {
        for (int y = 0; y < patch; ++y) {
          for (int x = 0; x < patch; ++x) {
            const float pixel = pixels[((b * 3 + c) * size + top + y) * size + left + x];
            expected.push_back(to_f32(from_f32<T>(pixel)));
          }
        }
      }
      expected.resize(expected.size() + static_cast<size_t>(padded - grid.used()));
    }
  }
  std::vector<T> found = blank<T>(batch * grid.count() * padded);
  for (int64_t thread = 0; thread < patch_threads(grid, batch); ++thread) {
    const PatchThread at = patch_thread(grid, thread);
    write_patch(grid, at, found.data(), StoredPixel{pixels.data(), at.picture, size});
  }
  compare(kind<T> + " patches of " + std::to_string(size), expected, numbers(found), 0);
}

template <typename T>
void test_tokens(int64_t batch, int tokens, int width, bool with_cls) {
  const int before = with_cls ? 1 : 0;
  const auto patches = elements<T>(random_numbers(batch * (tokens - before) * width));
  const auto cls = elements<T>(random_numbers(width));
  const auto position = elements<T>(random_numbers(int64_t{tokens} * width));
  std::vector<float> expected, found = unwritten<float>(batch * tokens * width);
  size_t next = 0;
  for (int64_t b = 0; b < batch; ++b) {
    for (int i = 0; i < tokens * width; ++i) {
      const float x = i < before * width ? to_f32(cls[i]) : to_f32(patches[next++]);
      expected.push_back(x + to_f32(position[i]));
    }
  }
  const CudaTokensArguments<T> a{
      patches.data(), with_cls ? cls.data() : nullptr, position.data(), found.data(), batch, tokens,
      width};
  for (int64_t thread = 0; thread < tokens_threads(a); ++thread) token_at(a, thread);
  compare(kind<T> + " tokens", expected, found, 0);
}

template <typename T>
void test_quick_gelu() {
  const auto x = elements<T>(random_numbers(64, 3.0F));
  std::vector<float> expected;
  for (const float value : numbers(x)) expected.push_back(value / (1 + std::exp(-1.702F * value)));
  std::vector<T> found = blank<T>(64);
  for (int i = 0; i < 64; i += kChunk) {
    store_chunk(found.data() + i, quick_gelu_chunk(load_chunk(x.data() + i)));
  }
  compare(kind<T> + " quick gelu", expected, numbers(found), kWithin<T>);
}

// Bit for bit: bytes, and what becomes of them.
template <typename T>
void test_preprocess(int64_t width, int64_t height, int channels, int size, int patch) {
  static std::mt19937 generator(2);
  std::vector<uint8_t> bytes(static_cast<size_t>(width * height * channels));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(generator());
  const ImageView image{bytes.data(), width, height, channels};
  const Preprocessing preprocessing{size, {0.48F, 0.46F, 0.41F}, {0.27F, 0.26F, 0.28F}};
  std::vector<float> pixels(static_cast<size_t>(3 * size * size));
  preprocess(image, preprocessing, pixels.data());

  const PatchGrid grid{size, patch, static_cast<int>(padded_to(3 * patch * patch, kChunk))};
  std::vector<T> expected = blank<T>(int64_t{grid.count()} * grid.padded), found = expected;
  const HostPreprocessing host(image, preprocessing);
  for (int64_t i = 0; i < host.p.between_bytes(); ++i) resample_first(host.p, i);
  for (int64_t thread = 0; thread < patch_threads(grid, 1); ++thread) {
    const PatchThread at = patch_thread(grid, thread);
    write_patch(grid, at, expected.data(), StoredPixel{pixels.data(), 0, size});
    write_patch(grid, at, found.data(), ResampledPixel{host.p});
  }
  compare(kind<T> + " preprocess " + std::to_string(width) + " × " + std::to_string(height),
          numbers(expected), numbers(found), 0);
}

template <typename T>
void test_kernels() {
  for (const int width : {8, 64, 192, 256, 264, 768, 1024, 1152, 1536, 1544, 2048, 6144}) {
    test_layer_norm<float, T>(5, width, width);
    test_layer_norm<T, T>(3, width, 2 * width);
    test_add_layer_norm<T>(5, width);
  }
  for (const int hidden : {1, 7, 63, 64, 65, 170, 2048, 2730}) test_gated_norm<T>(3, hidden);
  for (const bool with_bias : {false, true}) {
    test_rope<T>(1, 1, 1, 8, with_bias);
    test_rope<T>(2, 5, 3, 64, with_bias);
    test_rope<T>(3, 17, 2, 72, with_bias);
  }
  test_patches<T>(2, 28, 14);
  test_patches<T>(3, 32, 16);
  test_patches<T>(1, 7, 7);
  test_patches<T>(1, 30, 14);
  for (const bool with_cls : {false, true}) {
    test_tokens<T>(1, 2, 8, with_cls);
    test_tokens<T>(3, 5, 192, with_cls);
  }
  test_quick_gelu<T>();
  for (const auto& [width, height] : {std::pair{1, 1},
                                      {50, 28},
                                      {28, 28},
                                      {61, 47},
                                      {1, 90},
                                      {90, 1},
                                      {40, 300},
                                      {300, 40},
                                      {29, 59}}) {
    for (const int channels : {1, 3, 4}) test_preprocess<T>(width, height, channels, 28, 14);
  }
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip;
  testing::test_kernels<F16>();
  testing::test_kernels<BF16>();
  return testing::exit_code();
}
