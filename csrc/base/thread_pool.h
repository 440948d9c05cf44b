#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace llm2clip {

// A pool of at most `most` threads that run functions in the order of their submission. A thread
// starts when all others are busy, and ends after some idle time. A pool is never destroyed,
// because its threads may outlive the statics of this library. It may be used from any thread.
class ThreadPool {
 public:
  explicit ThreadPool(size_t most) : most_(most) {}
  ~ThreadPool() = delete;

  // `body` must not throw. If the system starts no more threads, the existing ones run it. Throws
  // ERR_OUT_OF_MEMORY if there are none.
  void run(std::function<void()> body);

 private:
  void work();

  const size_t most_;
  std::mutex mutex_;
  std::condition_variable wakes_;
  // Guarded by mutex_:
  std::deque<std::function<void()>> queue_;
  size_t threads_ = 0, idle_ = 0;
};

}  // namespace llm2clip
