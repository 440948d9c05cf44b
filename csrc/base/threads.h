#pragma once

#include <future>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "base/error.h"

namespace llm2clip {

// The only way to start a thread. `body` must not throw. Throws ERR_OUT_OF_MEMORY if the system
// starts no more threads; `body` is then destroyed without being called.
template <typename Body>
std::jthread start_thread(Body&& body) {
  try {
    return std::jthread(std::forward<Body>(body));
  } catch (const std::system_error& error) {
    throw Error(ErrorCode::kOutOfMemory,
                std::string("expected the system to start another thread, found ") + error.what() +
                    "; raise its limit of threads (ulimit -u, pids.max) or use fewer models");
  }
}

// Runs `body` on a thread of its own and waits for it, so that settings of that thread, such as the
// number of OpenMP threads, end with it. Returns the result of `body`, or throws its exception.
template <typename Body>
auto on_own_thread(const Body& body) -> decltype(body()) {
  std::packaged_task<decltype(body())()> task([&body] { return body(); });
  auto result = task.get_future();
  const std::jthread thread = start_thread(std::move(task));
  return result.get();
}

}  // namespace llm2clip
