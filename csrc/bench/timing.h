#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace llm2clip {

inline double seconds_of(const std::function<void()>& call) {
  const auto begin = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Parts 0 to count − 1, an equal stretch of them on each thread.
inline void in_parallel(int64_t count, int64_t threads,
                        const std::function<void(int64_t first, int64_t last)>& body) {
  std::vector<std::thread> others;
  for (int64_t t = 1; t < threads; ++t) {
    others.emplace_back(body, count * t / threads, count * (t + 1) / threads);
  }
  body(0, count / threads);
  for (auto& other : others) other.join();
}

}  // namespace llm2clip
