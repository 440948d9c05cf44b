#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "expect.h"
#include "kernels/cpu/bf16.h"

// Shared by the tests of kernels: random inputs, memory that reveals misuse, and the comparison
// with a plain reference.
namespace llm2clip::testing {

inline std::vector<float> random_numbers(int64_t count, float scale = 1.0F) {
  static std::mt19937 generator(1);
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> numbers(static_cast<size_t>(count));
  for (float& number : numbers) number = normal(generator);
  return numbers;
}

inline std::vector<uint16_t> to_bf16(const std::vector<float>& numbers) {
  std::vector<uint16_t> bits(numbers.size());
  for (size_t i = 0; i < bits.size(); ++i) store(bits.data(), static_cast<int64_t>(i), numbers[i]);
  return bits;
}

inline std::vector<float> from_bf16(const std::vector<uint16_t>& bits) {
  std::vector<float> numbers(bits.size());
  for (size_t i = 0; i < bits.size(); ++i) numbers[i] = load(bits.data(), static_cast<int64_t>(i));
  return numbers;
}

// Converts numbers to a kernel's type T, and back to float for its reference, so that both see the
// same values.
template <typename T>
std::vector<T> to(const std::vector<float>& numbers) {
  if constexpr (sizeof(T) == sizeof(uint16_t)) {
    return to_bf16(numbers);
  } else {
    return numbers;
  }
}
inline std::vector<float> from(const std::vector<float>& numbers) { return numbers; }
inline std::vector<float> from(const std::vector<uint16_t>& numbers) { return from_bf16(numbers); }

// Memory for results, filled with NaN in float and bf16, so that elements which a kernel fails to
// write are noticed.
template <typename T>
std::vector<T> unwritten(int64_t count) {
  std::vector<T> numbers(static_cast<size_t>(count));
  if (count > 0) std::memset(numbers.data(), 0xff, numbers.size() * sizeof(T));
  return numbers;
}

// The same, aligned to a cache line. Elements that a kernel reads before writing are noticed, too.
template <typename T = float>
class Aligned {
 public:
  explicit Aligned(int64_t count) {
    const size_t bytes = (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
    data_.reset(static_cast<T*>(std::aligned_alloc(64, bytes)));
    std::memset(data_.get(), 0xff, bytes);
  }
  T* get() const { return data_.get(); }

 private:
  struct Free {
    void operator()(T* data) const { std::free(data); }
  };
  std::unique_ptr<T, Free> data_;
};

// The largest difference may be `tolerance` times the largest expected number.
inline void compare(const std::string& what, const std::vector<float>& expected,
                    const std::vector<float>& found, float tolerance) {
  float most = 0, difference = expected.size() == found.size() ? 0 : INFINITY;
  for (size_t i = 0; i < std::min(expected.size(), found.size()); ++i) {
    most = std::max(most, std::abs(expected[i]));
    const float one = std::abs(expected[i] - found[i]);
    difference = std::isnan(one) ? INFINITY : std::max(difference, one);
  }
  const bool same = difference <= tolerance * std::max(most, 1e-3F);
  EXPECT(same);
  std::printf("%s %s: %.1e of %.1e\n", same ? "ok" : "FAILED", what.c_str(), difference, most);
}

}  // namespace llm2clip::testing
