#include "cuda_text_kernels.h"

#include <cmath>
#include <string>

#include "compare.h"
#include "cuda_elements.h"
#include "device_array.h"
#include "kernels/cpu/gate.h"
#include "kernels/cpu/rms_norm.h"
#include "kernels/cpu/rope.h"
#include "kernels/cuda/gate.h"
#include "kernels/cuda/rms_norm.h"
#include "kernels/cuda/text_mean.h"
#include "kernels/cuda/text_rope.h"

namespace llm2clip::testing {
namespace {

constexpr double kEps = 1e-5;

// Numbers with a mean far from zero, because RMSNorm does not subtract the mean.
std::vector<float> random_stream(int64_t count) {
  auto stream = random_numbers(count, 3.0F);
  for (float& value : stream) value += 1.0F;
  return stream;
}

template <typename T>
void test_rms_norm(int64_t rows, int width) {
  const auto x = random_stream(rows * width);
  const auto weight = elements<T>(random_numbers(width));
  auto expected = unwritten<float>(rows * width);
  rms_norm_plain(x.data(), numbers(weight).data(), expected.data(), {width, kEps}, 0, rows);
  const DeviceArray<float> stream(x);
  const DeviceArray<T> w(weight);
  DeviceArray<T> found(blank<T>(rows * width));
  rms_norm_cuda(stream.data(), w.data(), found.data(), {rows, width, static_cast<float>(kEps)},
                test_stream());
  compare(kind<T> + " RMS norm " + std::to_string(width), expected, numbers(found.read()),
          kWithin<T>);
}

template <typename T>
void test_add_rms_norm(int64_t rows, int width) {
  const auto x = random_stream(rows * width);
  const auto y = elements<T>(random_numbers(rows * width));
  const auto weight = elements<T>(random_numbers(width));
  auto expected_sum = numbers(y);
  for (size_t i = 0; i < x.size(); ++i) expected_sum[i] += x[i];
  auto expected = unwritten<float>(rows * width);
  rms_norm_plain(expected_sum.data(), numbers(weight).data(), expected.data(), {width, kEps}, 0,
                 rows);
  const DeviceArray<float> stream(x);
  const DeviceArray<T> delta(y), w(weight);
  DeviceArray<float> sum(unwritten<float>(rows * width));
  DeviceArray<T> found(blank<T>(rows * width));
  add_rms_norm_cuda(stream.data(), delta.data(), w.data(), sum.data(), found.data(),
                    {rows, width, static_cast<float>(kEps)}, test_stream());
  compare(kind<T> + " add " + std::to_string(width), expected_sum, sum.read(), 0);
  compare(kind<T> + " add, RMS norm", expected, numbers(found.read()), kWithin<T>);
}

template <typename T>
void test_gate(int64_t rows, int hidden) {
  const auto gate_up = elements<T>(random_numbers(rows * 2 * hidden, 3.0F));
  auto expected = unwritten<float>(rows * hidden);
  gate_plain(numbers(gate_up).data(), expected.data(), hidden, 0, rows);
  const DeviceArray<T> on_device(gate_up);
  DeviceArray<T> found(blank<T>(rows * hidden));
  gate_cuda(CudaGateArguments<T>{on_device.data(), found.data(), rows, hidden}, test_stream());
  compare(kind<T> + " gate " + std::to_string(hidden), expected, numbers(found.read()), kWithin<T>);
}

// The position ids of packed texts of these lengths, one per row.
std::vector<int32_t> places_of(const std::vector<int>& lengths) {
  std::vector<int32_t> places;
  for (const int length : lengths) {
    for (int i = 0; i < length; ++i) places.push_back(i);
  }
  return places;
}

// The expected result: rope_rows() applied to each head as if it were q of an image with one token.
template <typename T>
std::vector<float> turned(const std::vector<T>& qkv, const std::vector<int32_t>& places,
                          const std::vector<float>& angles, int heads, int values, int dim) {
  std::vector<float> expected = numbers(qkv);
  std::vector<float> packed(static_cast<size_t>(3 * dim)), cos(packed), sin(packed), k(packed);
  for (size_t head = 0; head < expected.size() / dim; ++head) {
    const size_t row = head / (heads + values);
    if (head % (heads + values) >= static_cast<size_t>(heads)) continue;
    for (int i = 0; i < dim; ++i) {
      const float angle = angles[places[row] * dim / 2 + i / 2];
      cos[i] = std::cos(angle);
      sin[i] = std::sin(angle);
    }
    float* numbers = expected.data() + head * dim;
    std::copy_n(numbers, dim, packed.data());
    rope_rows(packed.data(), numbers, k.data(), {1, 1, dim, cos.data(), sin.data()}, 0, 1);
  }
  return expected;
}

template <typename T>
void test_text_rope(const std::vector<int>& lengths, int heads, int values, int dim) {
  const auto places = places_of(lengths);
  const auto rows = static_cast<int64_t>(places.size());
  const auto qkv = elements<T>(random_numbers(rows * (heads + values) * dim));
  const int longest = *std::ranges::max_element(lengths);
  const auto angles = random_numbers(int64_t{longest} * dim / 2);
  std::vector<float> pairs;
  for (const float angle : angles) pairs.insert(pairs.end(), {std::cos(angle), std::sin(angle)});
  const auto expected = turned(qkv, places, angles, heads, values, dim);
  DeviceArray<T> found(qkv);
  const DeviceArray<int32_t> where(places);
  const DeviceArray<float> turns(pairs);
  text_rope_cuda(
      CudaTextRopeArguments<T>{found.data(), where.data(), turns.data(), rows, heads, values, dim},
      test_stream());
  compare(kind<T> + " text rope " + std::to_string(dim), expected, numbers(found.read()),
          kWithin<T>);
}

template <typename T>
void test_text_mean(const std::vector<int>& lengths, const std::vector<int32_t>& pooled,
                    int width) {
  std::vector<int32_t> ends;
  for (const int length : lengths) ends.push_back(length + (ends.empty() ? 0 : ends.back()));
  const auto x = elements<T>(random_numbers(int64_t{ends.back()} * width));
  std::vector<float> expected;
  for (size_t text = 0; text < lengths.size(); ++text) {
    for (int i = 0; i < width; ++i) {
      double sum = 0;
      for (int token = ends[text] - pooled[text]; token < ends[text]; ++token) {
        sum += to_f32(x[token * width + i]);
      }
      expected.push_back(static_cast<float>(sum / pooled[text]));
    }
  }
  const DeviceArray<T> on_device(x);
  const DeviceArray<int32_t> last(ends), counts(pooled);
  DeviceArray<float> found(unwritten<float>(static_cast<int64_t>(lengths.size()) * width));
  text_mean_cuda(
      CudaTextMeanArguments<T>{on_device.data(), last.data(), counts.data(), found.data(),
                               static_cast<int64_t>(lengths.size()), width},
      test_stream());
  compare(kind<T> + " text mean " + std::to_string(width), expected, found.read(), 1e-6F);
}

template <typename T>
void test_kernels() {
  for (const int width : {8, 64, 264, 1024, 1536, 1544, 2048, 4096, 6144}) {
    test_rms_norm<T>(5, width);
    test_add_rms_norm<T>(3, width);
  }
  for (const int hidden : {8, 176, 1408}) test_gate<T>(5, hidden);
  test_text_rope<T>({1}, 2, 1, 8);
  test_text_rope<T>({3, 1, 7}, 6, 2, 64);
  test_text_rope<T>({17, 2}, 5, 1, 72);
  test_text_mean<T>({1}, {1}, 8);
  test_text_mean<T>({5, 1, 40, 3}, {2, 1, 40, 3}, 264);
}

}  // namespace

void test_text_kernels() {
  test_kernels<F16>();
  test_kernels<BF16>();
  test_kernels<float>();
}

}  // namespace llm2clip::testing
