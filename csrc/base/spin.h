#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace llm2clip {

// Tells the processor that this thread is only waiting.
inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits for a short while until `value` differs from `old`, without giving the processor away, and
// stops earlier when `may_spin()` is false. Returns the last value that it saw.
template <typename MaySpin>
uint32_t spin_while(const std::atomic<uint32_t>& value, uint32_t old, const MaySpin& may_spin) {
  constexpr auto kLongest = std::chrono::microseconds(50);  // a few times what waking takes
  constexpr int kBetweenLooks = 32;
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    for (int i = 0; i < kBetweenLooks; ++i) {
      const uint32_t now = value.load(std::memory_order_acquire);
      if (now != old) return now;
      relax();
    }
    if (!may_spin() || std::chrono::steady_clock::now() - begin > kLongest) return old;
  }
}

}  // namespace llm2clip
