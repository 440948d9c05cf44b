#pragma once

#include <napi.h>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "js_error.h"

namespace llm2clip::binding {

// The threads that do the work. libuv's are never used, because files and name look-ups need them.
// kLong: a thread of its own, because the work may wait for other work, a disk or a GPU; there is
// no limit. kShort: work that only computes, for milliseconds; as many threads as there are
// processors.
enum class Threads { kLong, kShort };

// Runs `work` on such a thread, then `settle` on the JS thread. Neither may throw. If the
// environment ends before, `settle` is destroyed immediately, and `work` continues. Throws
// ERR_OUT_OF_MEMORY if no thread can be started.
void run_off_thread(Napi::Env env, Threads threads, std::function<void()> work,
                    std::function<void(Napi::Env)> settle);

// The only way to run native code off the event loop: `work` runs on a native thread, then `finish`
// makes the result on the JS thread. The promise resolves with the result, or rejects with the
// exception of either function.
template <typename Result>
class PromiseWorker {
 public:
  using Work = std::function<Result()>;
  using Finish = std::function<Napi::Value(Napi::Env, Result&&)>;

  static Napi::Promise run(Napi::Env env, Work work, Finish finish,
                           Threads threads = Threads::kLong) {
    const auto deferred = Napi::Promise::Deferred::New(env);
    const auto task = std::make_shared<Task>(std::move(work));
    try {
      run_off_thread(
          env, threads, [task] { task->run(); },
          [task, deferred, finish = std::move(finish)](Napi::Env env) {
            settle(env, deferred, *task, finish);
          });
    } catch (...) {
      deferred.Reject(to_js_error(env, std::current_exception()).Value());
    }
    return deferred.Promise();
  }

 private:
  struct Task {
    explicit Task(Work its_work) : work(std::move(its_work)) {}
    void run() {
      try {
        result.emplace(work());
      } catch (...) {
        error = std::current_exception();
      }
      work = nullptr;
    }

    Work work;
    std::optional<Result> result;
    std::exception_ptr error;
  };

  static void settle(Napi::Env env, const Napi::Promise::Deferred& deferred, Task& task,
                     const Finish& finish) {
    try {
      if (task.error) std::rethrow_exception(task.error);
      deferred.Resolve(finish(env, std::move(*task.result)));
    } catch (...) {
      deferred.Reject(to_js_error(env, std::current_exception()).Value());
    }
  }
};

}  // namespace llm2clip::binding
