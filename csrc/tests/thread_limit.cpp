#include "thread_limit.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <climits>

namespace {

std::atomic<int> more_threads{INT_MAX};

}  // namespace

// The linker prefers this function to the C library's, also for calls from the C++ library.
extern "C" __attribute__((visibility("default"))) int pthread_create(
    pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  static const auto system_create =
      reinterpret_cast<decltype(&pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));
  if (more_threads.fetch_sub(1) <= 0) return EAGAIN;
  return system_create(thread, attributes, body, argument);
}

namespace llm2clip::testing {

ThreadLimit::ThreadLimit(int more) { more_threads = more; }
ThreadLimit::~ThreadLimit() { more_threads = INT_MAX; }

}  // namespace llm2clip::testing
