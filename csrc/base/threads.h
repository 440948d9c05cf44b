#pragma once

#include <future>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "base/error.h"

namespace llm2clip {

// The one way to start a thread. `body` must not throw. Throws ERR_OUT_OF_MEMORY where the system
// gives no more threads; `body` is then destroyed, and was not called.
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

// Runs `body` on a thread of its own and waits for it: what `body` sets for its thread, such as a
// number of OpenMP threads, ends with that thread. Gives what `body` gives, throws what it throws.
template <typename Body>
auto on_own_thread(const Body& body) -> decltype(body()) {
  std::packaged_task<decltype(body())()> task([&body] { return body(); });
  auto result = task.get_future();
  const std::jthread thread = start_thread(std::move(task));
  return result.get();
}

}  // namespace llm2clip
