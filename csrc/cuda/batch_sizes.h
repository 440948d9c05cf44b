#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace llm2clip {

// The batch sizes that run on a GPU. Each has its own kernels and graphs, and a batch of a size in
// between runs as the next larger size. The sizes are 1, 2, 4, 8, 16, 32, 64, then steps of 64; the
// last one is `largest`.
inline std::vector<int64_t> batch_sizes(int64_t largest) {
  std::vector<int64_t> sizes;
  for (int64_t size = 1; size < largest; size = size < 64 ? 2 * size : size + 64) {
    sizes.push_back(size);
  }
  sizes.push_back(largest);
  return sizes;
}

// The text lengths that run on a GPU, in tokens: 32, 64, 128, 256, then doubling; the last one is
// `longest`.
inline std::vector<int64_t> text_lengths(int64_t longest) {
  std::vector<int64_t> lengths;
  for (int64_t length = 32; length < longest; length *= 2) lengths.push_back(length);
  lengths.push_back(longest);
  return lengths;
}

// Returns the smallest of the sizes that is at least `wanted`.
inline int64_t size_for(const std::vector<int64_t>& sizes, int64_t wanted) {
  return *std::ranges::lower_bound(sizes, wanted);
}

}  // namespace llm2clip
