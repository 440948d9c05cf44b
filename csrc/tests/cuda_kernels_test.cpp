// Compares the GPU kernels with the plain references, for sizes that fill tiles and sizes that do
// not. It is compiled twice: with the kernels' twins on the host, which checks index maps, edges
// and arithmetic, and for a GPU (csrc/gpu_check), which also checks races and launches.
#include <random>
#include <string>

#include "compare.h"
#include "cuda_elements.h"
#include "cuda_text_kernels.h"
#include "device_array.h"
#include "kernels/cpu/gated_norm.h"
#include "kernels/cpu/layer_norm.h"
#include "kernels/cpu/rope.h"
#include "kernels/cuda/gated_norm.h"
#include "kernels/cuda/layer_norm.h"
#include "kernels/cuda/norm_head.h"
#include "kernels/cuda/packed_image.h"
#include "kernels/cuda/patches.h"
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
  const DeviceArray<X> on_device(x);
  const DeviceArray<T> w(weight), b(bias);
  DeviceArray<T> found(blank<T>(rows * width));
  layer_norm_cuda(on_device.data(), stride, w.data(), b.data(), found.data(),
                  {rows, width, static_cast<float>(kEps)}, test_stream());
  compare(kind<T> + " layer norm " + std::to_string(width), expected, numbers(found.read()),
          kWithin<T>);
}

template <typename T>
void test_add_layer_norm(int64_t rows, int width) {
  const auto x = random_numbers(rows * width, 3.0F);
  const auto y = elements<T>(random_numbers(rows * width));
  const auto weight = elements<T>(random_numbers(width)), bias = elements<T>(random_numbers(width));
  auto expected_sum = numbers(y);
  for (size_t i = 0; i < x.size(); ++i) expected_sum[i] += x[i];
  auto expected = unwritten<float>(rows * width);
  layer_norm_plain(expected_sum.data(), numbers(weight).data(), numbers(bias).data(),
                   expected.data(), {width, kEps}, 0, rows);
  const DeviceArray<float> stream(x);
  const DeviceArray<T> delta(y), w(weight), b(bias);
  DeviceArray<float> sum(unwritten<float>(rows * width));
  DeviceArray<T> found(blank<T>(rows * width));
  add_layer_norm_cuda(stream.data(), delta.data(), w.data(), b.data(), sum.data(), found.data(),
                      {rows, width, static_cast<float>(kEps)}, test_stream());
  compare(kind<T> + " add " + std::to_string(width), expected_sum, sum.read(), 0);
  compare(kind<T> + " add, layer norm", expected, numbers(found.read()), kWithin<T>);
}

template <typename T>
void test_gated_norm(int64_t rows, int hidden) {
  const int padded = static_cast<int>(padded_to(hidden, 64));
  const auto weight = elements<T>(random_numbers(padded)),
             bias = elements<T>(random_numbers(padded));
  const auto gate = elements<T>(random_numbers(rows * hidden, 3.0F));
  const auto up = elements<T>(random_numbers(rows * hidden));
  // The padding is NaN, because none of it may be used.
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
  const DeviceArray<T> on_device(gate_up), w(weight), b(bias);
  DeviceArray<T> found(blank<T>(rows * padded));
  gated_norm_cuda(on_device.data(), w.data(), b.data(), found.data(),
                  {rows, hidden, padded, static_cast<float>(kEps)}, test_stream());
  compare(kind<T> + " gated norm " + std::to_string(hidden), expected, numbers(found.read()),
          kWithin<T>);
}

// The inputs of norm_head, rounded to T.
struct HeadNumbers {
  int64_t rows;
  int width, dim;
  std::vector<float> x, y, weight, bias, head, head_bias;
};

// LayerNorm(x + y) · headᵀ + head_bias in double.
std::vector<float> plain_norm_head(const HeadNumbers& n) {
  std::vector<float> out;
  for (int64_t row = 0; row < n.rows; ++row) {
    std::vector<double> z;
    double mean = 0, variance = 0;
    for (int i = 0; i < n.width; ++i) {
      z.push_back(double{n.x[row * n.width + i]} + n.y[row * n.width + i]);
      mean += z.back() / n.width;
    }
    for (const double one : z) variance += (one - mean) * (one - mean) / n.width;
    for (int i = 0; i < n.width; ++i) {
      z[i] = (z[i] - mean) / std::sqrt(variance + kEps) * n.weight[i] + n.bias[i];
    }
    for (int o = 0; o < n.dim; ++o) {
      double sum = n.head_bias.empty() ? 0 : n.head_bias[o];
      for (int i = 0; i < n.width; ++i) sum += z[i] * n.head[int64_t{o} * n.width + i];
      out.push_back(static_cast<float>(sum));
    }
  }
  return out;
}

template <typename T>
void test_norm_head(int64_t rows, int width, int dim, bool with_bias) {
  const auto x = random_numbers(rows * width, 3.0F);
  const auto y = elements<T>(random_numbers(rows * width));
  const auto weight = elements<T>(random_numbers(width)), bias = elements<T>(random_numbers(width));
  const auto head = elements<T>(random_numbers(int64_t{dim} * width));
  const auto head_bias = elements<T>(random_numbers(with_bias ? dim : 0));
  const auto expected = plain_norm_head({rows, width, dim, x, numbers(y), numbers(weight),
                                         numbers(bias), numbers(head), numbers(head_bias)});
  const DeviceArray<float> stream(x);
  const DeviceArray<T> delta(y), w(weight), b(bias), matrix(head), added(head_bias);
  const auto run = [&](int64_t first, int64_t count) {
    DeviceArray<float> found(unwritten<float>(count * dim));
    norm_head_cuda(
        CudaNormHead<T>{stream.data() + first * width, delta.data() + first * width, w.data(),
                        b.data(), matrix.data(), with_bias ? added.data() : nullptr, found.data(),
                        count, width, dim, static_cast<float>(kEps)},
        test_stream());
    return found.read();
  };
  const std::vector<float> found = run(0, rows);
  // No intermediate result is rounded to T.
  compare(kind<T> + " norm and head " + std::to_string(width) + " → " + std::to_string(dim),
          expected, found, 1e-5F);
  const std::vector<float> last(found.end() - dim, found.end());
  compare(kind<T> + " the last of " + std::to_string(rows) + ", alone", last, run(rows - 1, 1), 0);
}

template <typename T>
void test_norm_heads() {
  for (const int64_t rows : {1, 3, 8, 9, 64}) test_norm_head<T>(rows, 128, 64, rows % 2 == 0);
  for (const int width : {8, 256, 264, 768, 1032, 1536}) test_norm_head<T>(3, width, 17, true);
  for (const int64_t rows : {1, 9}) test_norm_head<T>(rows, 1024, 1280, rows == 9);
}

// The angles in the layout of the kernel and in that of rope_rows().
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
  const auto qkv = elements<T>(random_numbers(rows * 3 * width));
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
  DeviceArray<T> found(qkv);
  const DeviceArray<T> added(bias);
  const DeviceArray<float> turns(angles.packed);
  rope_cuda(CudaRopeArguments<T>{found.data(), with_bias ? added.data() : nullptr, turns.data(),
                                 rows, tokens, heads, dim},
            test_stream());
  compare(kind<T> + " rope" + (with_bias ? " with bias" : ""), expected, numbers(found.read()),
          kWithin<T>);
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
  const DeviceArray<float> on_device(pixels);
  DeviceArray<T> found(blank<T>(batch * grid.count() * padded));
  patches_cuda(on_device.data(), found.data(), grid, batch, test_stream());
  compare(kind<T> + " patches of " + std::to_string(size), expected, numbers(found.read()), 0);
}

template <typename T>
void test_tokens(int64_t batch, int tokens, int width, bool with_cls) {
  const int before = with_cls ? 1 : 0;
  const auto patches = elements<T>(random_numbers(batch * (tokens - before) * width));
  const auto cls = elements<T>(random_numbers(width));
  const auto position = elements<T>(random_numbers(int64_t{tokens} * width));
  std::vector<float> expected;
  size_t next = 0;
  for (int64_t b = 0; b < batch; ++b) {
    for (int i = 0; i < tokens * width; ++i) {
      const float x = i < before * width ? to_f32(cls[i]) : to_f32(patches[next++]);
      expected.push_back(x + to_f32(position[i]));
    }
  }
  const DeviceArray<T> from(patches), first(cls), places(position);
  DeviceArray<float> found(unwritten<float>(batch * tokens * width));
  tokens_cuda(CudaTokensArguments<T>{from.data(), with_cls ? first.data() : nullptr, places.data(),
                                     found.data(), batch, tokens, width},
              test_stream());
  compare(kind<T> + " tokens", expected, found.read(), 0);
}

template <typename T>
void test_quick_gelu() {
  const auto x = elements<T>(random_numbers(64, 3.0F));
  std::vector<float> expected;
  for (const float value : numbers(x)) expected.push_back(value / (1 + std::exp(-1.702F * value)));
  const DeviceArray<T> on_device(x);
  DeviceArray<T> found(blank<T>(64));
  quick_gelu_cuda(on_device.data(), found.data(), 64, test_stream());
  compare(kind<T> + " quick gelu", expected, numbers(found.read()), kWithin<T>);
}

// Compares bit for bit, because both work on bytes.
template <typename T>
void test_preprocess(int64_t width, int64_t height, int channels, const Preprocessing& how) {
  constexpr int kPatch = 14;
  static std::mt19937 generator(2);
  std::vector<uint8_t> bytes(static_cast<size_t>(width * height * channels));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(generator());
  const ImageView image{bytes.data(), width, height, channels};
  std::vector<float> pixels(static_cast<size_t>(3 * how.size * how.size));
  preprocess(image, how, pixels.data());

  const PatchGrid grid{how.size, kPatch, static_cast<int>(padded_to(3 * kPatch * kPatch, kChunk))};
  const int64_t count = int64_t{grid.count()} * grid.padded;
  const DeviceArray<float> whole(pixels);
  DeviceArray<T> expected(blank<T>(count)), found(blank<T>(count));
  patches_cuda(whole.data(), expected.data(), grid, 1, test_stream());
  DevicePreprocessing on_device(image, how, size_t{1} << 20);
  preprocess_cuda(on_device.image(), grid, found.data(), test_stream());
  compare(kind<T> + " preprocess " + std::to_string(width) + " × " + std::to_string(height),
          numbers(expected.read()), numbers(found.read()), 0);
}

template <typename T>
void test_kernels() {
  for (const int width : {8, 64, 192, 256, 264, 768, 1024, 1152, 1536, 1544, 2048, 6144}) {
    test_layer_norm<float, T>(5, width, width);
    test_layer_norm<T, T>(3, width, 2 * width);
    test_add_layer_norm<T>(5, width);
  }
  for (const int hidden : {1, 7, 63, 64, 65, 170, 2048, 2730}) test_gated_norm<T>(3, hidden);
  test_norm_heads<T>();
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
    Preprocessing how{.size = 28, .mean = {0.48F, 0.46F, 0.41F}, .std = {0.27F, 0.26F, 0.28F}};
    for (const int channels : {1, 3, 4}) test_preprocess<T>(width, height, channels, how);
    how.resize = 33;
    how.crop = CropStart::kHalfEven;
    how.rescale = 1 / 127.5;
    for (const bool squash : {false, true}) {
      how.squash = squash;
      for (const Filter filter : {Filter::kNearest, Filter::kBox, Filter::kLanczos}) {
        how.filter = filter;
        test_preprocess<T>(width, height, 3, how);
      }
    }
  }
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip;
  testing::test_kernels<F16>();
  testing::test_kernels<BF16>();
  testing::test_kernels<float>();
  testing::test_text_kernels();
  return testing::exit_code();
}
