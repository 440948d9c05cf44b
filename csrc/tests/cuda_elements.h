#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "device_array.h"
#include "kernels/cuda/element.h"
#include "kernels/cuda/packed_picture.h"

// What the tests of the GPU's kernels share, on the host and on a GPU: numbers in half types, and
// packed pictures.
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

// Room for results, all NaN: what a kernel forgets to write shows.
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

// Half of the last of their 11 or 8 bits, and the arithmetic in f32.
template <typename T>
constexpr float kWithin = std::is_same_v<T, F16>    ? 6e-4F
                          : std::is_same_v<T, BF16> ? 4.5e-3F
                                                    : 1e-5F;

// A picture packed into so much room, with its copy and its scratch where kernels read them.
struct DevicePreprocessing {
  std::vector<std::byte> packed;
  size_t bytes;  // of it that count
  DeviceArray<std::byte> copy;
  DeviceArray<uint8_t> between;

  DevicePreprocessing(const ImageView& image, const Preprocessing& how, size_t room)
      : packed(room), bytes(pack_picture(image, how, packed)), copy(packed), between(blank(room)) {}

  CudaPreprocessing picture() { return packed_picture(packed.data(), copy.data(), between.data()); }

 private:
  static std::vector<uint8_t> blank(size_t room) { return std::vector<uint8_t>(room, 0xff); }
};

}  // namespace llm2clip::testing
