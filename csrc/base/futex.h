#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace llm2clip {

// Sleeps while `value` is `old`. std::atomic's wait() would first yield a few times. The system
// then lets a thread run late and leaves it on a busy processor, where one that sleeps is woken on
// a free one.
inline void futex_wait(const std::atomic<uint32_t>& value, uint32_t old) {
  static_assert(sizeof(value) == sizeof(uint32_t));
  while (value.load(std::memory_order_acquire) == old) {
    ::syscall(SYS_futex, &value, FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0);
  }
}

// Wakes a thread that sleeps because of the value, which must have changed before.
inline void futex_wake_one(const std::atomic<uint32_t>& value) {
  ::syscall(SYS_futex, &value, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace llm2clip
