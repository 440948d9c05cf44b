#pragma once

#include <cstddef>

namespace llm2clip {

struct GuardedEntry;

// Memory that maps a file for reading. When another process truncates the file, or its disk fails,
// reading a page of it raises SIGBUS. During the lifetime of a GuardedRange such a page, and all
// that follow in the range, become zeros instead, and the range is broken. The first range installs
// a handler of SIGBUS for the process. It passes signals for other memory on to the handler that
// was there before.
class GuardedRange {
 public:
  // `begin` is at the beginning of a page and `bytes` a whole number of pages. Throws
  // std::bad_alloc.
  GuardedRange(const void* begin, size_t bytes);
  // Nobody may read the memory any more.
  ~GuardedRange();
  GuardedRange(const GuardedRange&) = delete;
  GuardedRange& operator=(const GuardedRange&) = delete;

  bool is_broken() const;

 private:
  GuardedEntry& entry_;
};

}  // namespace llm2clip
