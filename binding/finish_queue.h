#pragma once

#include <napi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace llm2clip::binding {

// The work of native threads for one environment, until its result has reached the JS thread. While
// work is expected, the process does not end by itself. It belongs to the JS thread; only
// finished() may be called from another thread.
class FinishQueue : public std::enable_shared_from_this<FinishQueue> {
 public:
  using Id = uint64_t;
  // Called and destroyed on the JS thread. It is destroyed at the end of the environment at the
  // latest.
  using Settle = std::function<void(Napi::Env)>;

  // Called once per environment, when the addon is loaded.
  static void create(Napi::Env env);
  static std::shared_ptr<FinishQueue> of(Napi::Env env);

  Id expect(Napi::Env env, Settle settle);
  // Forgets expected work that will never finish.
  void forget(Napi::Env env, Id id);

  // Settles the work. Returns false if the environment has ended, so that nobody waits.
  bool finished(Id id);

 private:
  void close(Napi::Env env);
  static void on_js_thread(Napi::Env env, Napi::Function, FinishQueue* queue, void*);
  using Queue = Napi::TypedThreadSafeFunction<FinishQueue, void, &FinishQueue::on_js_thread>;

  Queue queue_;
  std::unordered_map<Id, Settle> expected_;
  Id last_id_ = 0;

  std::mutex mutex_;
  std::vector<Id> finished_;  // guarded by mutex_
  bool posted_ = false;       // guarded by mutex_: the JS thread has been notified
  bool closed_ = false;       // guarded by mutex_
};

}  // namespace llm2clip::binding
