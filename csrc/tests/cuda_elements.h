#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "device_array.h"
#include "kernels/cuda/element.h"
#include "kernels/cuda/packed_image.h"

// Shared by the tests of GPU kernels on the host and on a GPU: numbers in half types, and packed
// images.
namespace llm2clip::testing {

template <typename T>
std::vector<T> elements(const std::vector<float>& numbers) {
  std::vector<T> result;
  for (const float number : numbers) result.push_back(from_f32<T>(number));
  return result;
}

template <typename T>
std::vector<float> numbers(const std::vector<T>& elements) {
  std::vector<float> result;
  for (const T element : elements) result.push_back(to_f32(element));
  return result;
}

// Memory for results, filled with NaN, so that elements which a kernel fails to write are noticed.
template <typename T>
std::vector<T> blank(int64_t count) {
  std::vector<T> result(static_cast<size_t>(count));
  if (count > 0) std::memset(result.data(), 0xff, result.size() * sizeof(T));
  return result;
}

template <typename T>
const std::string kind = std::is_same_v<T, F16>    ? "fp16"
                         : std::is_same_v<T, BF16> ? "bf16"
                                                   : "fp32";

// Half a unit in the last of 11 or 8 significant bits, plus the rounding errors of f32 arithmetic.
template <typename T>
constexpr float kWithin = std::is_same_v<T, F16>    ? 6e-4F
                          : std::is_same_v<T, BF16> ? 4.5e-3F
                                                    : 1e-5F;

// An image packed into `room` bytes, with its copy and scratch memory where kernels read them.
struct DevicePreprocessing {
  std::vector<std::byte> packed;
  size_t bytes;  // of `packed` in use
  DeviceArray<std::byte> copy;
  DeviceArray<uint8_t> between;

  DevicePreprocessing(const ImageView& image, const Preprocessing& how, size_t room)
      : packed(room), bytes(pack_image(image, how, packed)), copy(packed), between(blank(room)) {}

  CudaPreprocessing image() { return packed_image(packed.data(), copy.data(), between.data()); }

 private:
  static std::vector<uint8_t> blank(size_t room) { return std::vector<uint8_t>(room, 0xff); }
};

}  // namespace llm2clip::testing
