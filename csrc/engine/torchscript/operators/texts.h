#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

namespace llm2clip {

// Numbers that fit into 32 bits, of a contiguous tensor [n] int64.
inline std::vector<int32_t> int32_of(const at::Tensor& numbers) {
  TORCH_CHECK(numbers.scalar_type() == at::kLong && numbers.is_contiguous(),
              "expected int64 numbers, found ", numbers.scalar_type(), " ", numbers.sizes());
  const int64_t* begin = numbers.const_data_ptr<int64_t>();
  return {begin, begin + numbers.numel()};
}

// The begin of each text among `tokens` successive tokens, and the end of the last text: offsets
// [B + 1] int64, checked.
inline std::vector<int32_t> texts_of(const at::Tensor& offsets, int64_t tokens) {
  auto all = int32_of(offsets);
  TORCH_CHECK(all.size() >= 2, "expected offsets [texts + 1], found ", offsets.sizes());
  const bool rising = std::ranges::adjacent_find(all, std::greater_equal{}) == all.end();
  TORCH_CHECK(rising && all.front() == 0 && all.back() == tokens, "expected offsets from 0 to ",
              tokens, ", found ", all.front(), " to ", all.back());
  return all;
}

inline int64_t longest(const std::vector<int32_t>& offsets) {
  int64_t most = 0;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    most = std::max<int64_t>(most, offsets[i + 1] - offsets[i]);
  }
  return most;
}

}  // namespace llm2clip
