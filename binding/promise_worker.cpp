#include "promise_worker.h"

#include <algorithm>
#include <limits>
#include <thread>

#include "base/thread_pool.h"
#include "finish_queue.h"
#include "serving/exit_guard.h"

namespace llm2clip::binding {
namespace {

constexpr size_t kLeastShort = 4;

ThreadPool& pool_of(Threads threads) {
  static auto* const long_work = new ThreadPool(std::numeric_limits<size_t>::max());
  static auto* const short_work =
      new ThreadPool(std::max<size_t>(kLeastShort, std::thread::hardware_concurrency()));
  return threads == Threads::kLong ? *long_work : *short_work;
}

}  // namespace

void run_off_thread(Napi::Env env, Threads threads, std::function<void()> work,
                    std::function<void(Napi::Env)> settle) {
  const std::shared_ptr<FinishQueue> queue = FinishQueue::of(env);
  const FinishQueue::Id id = queue->expect(env, std::move(settle));
  try {
    pool_of(threads).run([queue, id, work = std::move(work)]() mutable {
      const EngineInUse in_use;
      work();
      queue->finished(id);
      work = nullptr;  // destroyed here if nobody waits, with an engine that it may hold
    });
  } catch (...) {
    queue->forget(env, id);
    throw;
  }
}

}  // namespace llm2clip::binding
