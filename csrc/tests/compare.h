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

// What the tests of the kernels share: numbers to feed them, memory that shows its misuse, and the
// comparison with a plain reference.
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

// What a kernel of T is given, and from it what its reference is: the same numbers, as T has them.
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

// Room for results, NaN in float and in bf16: what a kernel forgets to write shows.
template <typename T>
std::vector<T> unwritten(int64_t count) {
  std::vector<T> numbers(static_cast<size_t>(count));
  if (count > 0) std::memset(numbers.data(), 0xff, numbers.size() * sizeof(T));
  return numbers;
}

// The same on a cache line's boundary: what a kernel reads unwritten shows too.
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

// The largest difference may be `tolerance` times the largest number expected.
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
