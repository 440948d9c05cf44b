#pragma once

namespace llm2clip::testing {

// During its lifetime the system starts only this many more threads for this process.
class ThreadLimit {
 public:
  explicit ThreadLimit(int more);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;
};

}  // namespace llm2clip::testing
