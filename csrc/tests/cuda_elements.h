#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

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
const std::string kind = std::is_same_v<T, F16> ? "fp16" : "bf16";

// Half of the last of their 11 or 8 bits, and the arithmetic in f32.
template <typename T>
constexpr float kWithin = std::is_same_v<T, F16> ? 6e-4F : 4.5e-3F;

// A picture's two passes with all their memory on the host.
struct HostPreprocessing {
  ResizePlan plan;
  FlatCoefficients columns, rows;
  std::vector<uint8_t> between;
  std::vector<float> normalised;
  CudaPreprocessing p;

  HostPreprocessing(const ImageView& image, const Preprocessing& preprocessing)
      : plan(plan_resize(image, preprocessing.size)),
        columns(plan.columns),
        rows(plan.rows),
        p(cuda_preprocessing(image, plan)) {
    for (int c = 0; c < 3; ++c) {
      const auto values = normalised_bytes(preprocessing.mean[c], preprocessing.std[c]);
      normalised.insert(normalised.end(), values.begin(), values.end());
    }
    between.resize(static_cast<size_t>(p.between_bytes()));
    p.image = image.data;
    p.columns = {columns.first.data(), columns.count.data(), plan.columns.weights.data(),
                 plan.columns.stride};
    p.rows = {rows.first.data(), rows.count.data(), plan.rows.weights.data(), plan.rows.stride};
    p.between = between.data();
    p.normalised = normalised.data();
  }
  HostPreprocessing(const HostPreprocessing&) = delete;
  HostPreprocessing& operator=(const HostPreprocessing&) = delete;
};

}  // namespace llm2clip::testing
