#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <span>

namespace llm2clip {

// The begin of each text among `tokens` successive tokens, and the end of the last text: offsets
// [B + 1] int64, checked. Valid as long as the tensor exists.
inline std::span<const int64_t> texts_of(const at::Tensor& offsets, int64_t tokens) {
  TORCH_CHECK(offsets.scalar_type() == at::kLong && offsets.is_contiguous() && offsets.numel() >= 2,
              "expected offsets [texts + 1] int64, found ", offsets.sizes());
  const std::span all(offsets.const_data_ptr<int64_t>(), static_cast<size_t>(offsets.numel()));
  const bool rising = std::ranges::adjacent_find(all, std::greater_equal{}) == all.end();
  TORCH_CHECK(rising && all.front() == 0 && all.back() == tokens, "expected offsets from 0 to ",
              tokens, ", found ", all.front(), " to ", all.back());
  return all;
}

inline int64_t longest(std::span<const int64_t> offsets) {
  int64_t most = 0;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    most = std::max(most, offsets[i + 1] - offsets[i]);
  }
  return most;
}

}  // namespace llm2clip
