#pragma once

namespace llm2clip::testing {

// While this lives the system starts so many more threads for this process, then none.
class ThreadLimit {
 public:
  explicit ThreadLimit(int more);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;
};

}  // namespace llm2clip::testing
