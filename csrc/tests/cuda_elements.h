#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "device_array.h"
#include "kernels/cuda/element.h"
#include "kernels/cuda/preprocess_plan.h"

// What the tests of the GPU's kernels share, on the host and on a GPU: numbers in half types, and a
// picture's coefficients.
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

// A picture's two passes with all their memory where kernels read it.
struct DevicePreprocessing {
  // One axis.
  struct Axis {
    DeviceArray<int32_t> first, count, weights;
    explicit Axis(const Coefficients& axis)
        : first(FlatCoefficients(axis).first),
          count(FlatCoefficients(axis).count),
          weights(axis.weights) {}
    CudaCoefficients with(int stride) const {
      return {first.data(), count.data(), weights.data(), stride};
    }
  };

  ResizePlan plan;
  CudaPreprocessing p;
  Axis columns, rows;
  DeviceArray<uint8_t> bytes, between;
  DeviceArray<float> normalised;

  DevicePreprocessing(const ImageView& image, const Preprocessing& preprocessing)
      : plan(plan_resize(image, preprocessing.size)),
        p(cuda_preprocessing(image, plan)),
        columns(plan.columns),
        rows(plan.rows),
        bytes(std::vector<uint8_t>(image.data,
                                   image.data + image.width * image.height * image.channels)),
        between(std::vector<uint8_t>(static_cast<size_t>(p.between_bytes()))),
        normalised(values(preprocessing)) {
    p.image = bytes.data();
    p.columns = columns.with(plan.columns.stride);
    p.rows = rows.with(plan.rows.stride);
    p.between = between.data();
    p.normalised = normalised.data();
  }
  DevicePreprocessing(const DevicePreprocessing&) = delete;
  DevicePreprocessing& operator=(const DevicePreprocessing&) = delete;

 private:
  static std::vector<float> values(const Preprocessing& preprocessing) {
    std::vector<float> all;
    for (int c = 0; c < 3; ++c) {
      const auto channel = normalised_bytes(preprocessing.mean[c], preprocessing.std[c]);
      all.insert(all.end(), channel.begin(), channel.end());
    }
    return all;
  }
};

}  // namespace llm2clip::testing
