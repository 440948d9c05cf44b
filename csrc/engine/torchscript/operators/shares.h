#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace llm2clip {

// Calls body(share) for shares 0 to count − 1 on the threads of this session. Each thread takes the
// next share when it has finished one, so that a slow core does not delay the others.
template <typename Body>
void in_shares(int64_t count, const Body& body) {
  std::atomic<int64_t> next = 0;
  at::parallel_for(0, std::min<int64_t>(count, at::get_num_threads()), 1, [&](int64_t, int64_t) {
    for (int64_t share = next++; share < count; share = next++) body(share);
  });
}

// Calls body(first, last) for blocks of rows, first to last − 1.
template <typename Body>
void in_row_shares(int64_t rows, const Body& body) {
  constexpr int64_t kRows = 8;
  in_shares((rows + kRows - 1) / kRows,
            [&](int64_t share) { body(share * kRows, std::min(rows, (share + 1) * kRows)); });
}

}  // namespace llm2clip
