#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace llm2clip {

// Threads that run what they are given, the oldest first, at most `most` at once. One starts when
// all others are busy, and ends when it had nothing to do for a while. A pool is never destroyed:
// its threads may outlive the statics of this library. From any thread.
class ThreadPool {
 public:
  explicit ThreadPool(size_t most) : most_(most) {}
  ~ThreadPool() = delete;

  // `body` must not throw. Where the system gives no more threads those that are there have to do;
  // throws ERR_OUT_OF_MEMORY where there is none.
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
