#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace llm2clip {

// The sizes that batches run in on a GPU, each with kernels and graphs of its own; a batch between
// two takes the larger. 1, 2, 4, 8, 16, 32, 64, then 64 more each; the last is `largest`.
inline std::vector<int64_t> batch_sizes(int64_t largest) {
  std::vector<int64_t> sizes;
  for (int64_t size = 1; size < largest; size = size < 64 ? 2 * size : size + 64) {
    sizes.push_back(size);
  }
  sizes.push_back(largest);
  return sizes;
}

// The lengths that texts run in, in tokens: 32, 64, 128, 256, then twice as many each; the last is
// `longest`.
inline std::vector<int64_t> text_lengths(int64_t longest) {
  std::vector<int64_t> lengths;
  for (int64_t length = 32; length < longest; length *= 2) lengths.push_back(length);
  lengths.push_back(longest);
  return lengths;
}

// The least of them that is no smaller.
inline int64_t size_for(const std::vector<int64_t>& sizes, int64_t wanted) {
  return *std::ranges::lower_bound(sizes, wanted);
}

}  // namespace llm2clip
