#pragma once

#include <napi.h>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "js_error.h"

namespace llm2clip::binding {

// On which of the process's threads work is done; never on libuv's, which files and name look-ups
// need. kLong: on one of its own, however many there are, since it may wait for other work, a disk
// or a GPU. kShort: what only computes, for milliseconds; as many at once as there are processors.
enum class Threads { kLong, kShort };

// Does `work` there, then `settle` on the JS thread. Neither throws. When the environment ends
// meanwhile, `settle` is destroyed at once and `work` goes on. Throws ERR_OUT_OF_MEMORY where the
// system gives no thread.
void run_off_thread(Napi::Env env, Threads threads, std::function<void()> work,
                    std::function<void(Napi::Env)> settle);

// The one way to run native code off the event loop: `work` on a native thread, then `finish` on
// the JS thread to make the value that the promise resolves with. What either throws rejects it.
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
