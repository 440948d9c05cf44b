#pragma once

#include <napi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace llm2clip::binding {

// What native threads do for one environment, until it has come back to its JS thread. While
// something is expected the process does not end by itself. Lives on the JS thread; only finished()
// may be called from any other.
class FinishQueue : public std::enable_shared_from_this<FinishQueue> {
 public:
  using Id = uint64_t;
  // Called and destroyed on the JS thread; at the latest destroyed when the environment ends.
  using Settle = std::function<void(Napi::Env)>;

  // Once for each environment, when the addon is loaded.
  static void create(Napi::Env env);
  static std::shared_ptr<FinishQueue> of(Napi::Env env);

  Id expect(Napi::Env env, Settle settle);
  // What was expected will never be finished.
  void forget(Napi::Env env, Id id);

  // Has it settled. False where the environment has ended: nobody waits.
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
  bool posted_ = false;       // guarded by mutex_: the JS thread will look
  bool closed_ = false;       // guarded by mutex_
};

}  // namespace llm2clip::binding
