#pragma once

#include <barrier>
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

// Threads that are kept, because starting a thread takes longer than some kernels.
class Crew {
 public:
  using Body = std::function<void(int64_t first, int64_t last)>;

  explicit Crew(int64_t size) : size_(size), begin_(size), end_(size) {
    for (int64_t i = 1; i < size; ++i) others_.emplace_back([this, i] { work(i); });
  }
  Crew(const Crew&) = delete;
  ~Crew() {
    body_ = nullptr;
    begin_.arrive_and_wait();
    for (auto& other : others_) other.join();
  }

  int64_t size() const { return size_; }

  // Runs parts 0 to count − 1, with an equal range on each thread.
  void run(int64_t count, const Body& body) {
    body_ = &body;
    count_ = count;
    begin_.arrive_and_wait();
    body(0, count / size_);
    end_.arrive_and_wait();
  }

 private:
  void work(int64_t i) {
    for (;;) {
      begin_.arrive_and_wait();
      if (body_ == nullptr) return;
      (*body_)(count_* i / size_, count_ * (i + 1) / size_);
      end_.arrive_and_wait();
    }
  }

  int64_t size_, count_ = 0;
  const Body* body_ = nullptr;
  std::barrier<> begin_, end_;
  std::vector<std::thread> others_;
};

}  // namespace llm2clip
