#pragma once

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

}  // namespace llm2clip
