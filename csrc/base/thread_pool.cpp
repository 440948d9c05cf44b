#include "base/thread_pool.h"

#include <chrono>

#include "base/threads.h"

namespace llm2clip {
namespace {

constexpr auto kIdle = std::chrono::seconds(5);

}  // namespace

void ThreadPool::run(std::function<void()> body) {
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(body));
  if (idle_ >= queue_.size()) return wakes_.notify_one();
  if (threads_ == most_) return;
  ++threads_;
  try {
    start_thread([this] { work(); }).detach();
  } catch (...) {
    if (--threads_ > 0) return;
    queue_.pop_back();
    throw;
  }
}

void ThreadPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wakes_.wait_for(lock, kIdle, [this] { return !queue_.empty(); });
    --idle_;
    if (queue_.empty()) break;
    std::function<void()> body = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    body();
    body = nullptr;  // destroys its captures without holding the mutex
    lock.lock();
  }
  --threads_;
}

}  // namespace llm2clip
