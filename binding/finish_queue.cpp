#include "finish_queue.h"

#include <utility>

#include "serving/exit_guard.h"

namespace llm2clip::binding {

void FinishQueue::create(Napi::Env env) {
  const auto queue = std::make_shared<FinishQueue>();
  queue->queue_ = Queue::New(env, "llm2clip native work", 0, 1, queue.get());
  queue->queue_.Unref(env);
  // This hook runs before that of the thread-safe function, which was added earlier.
  env.AddCleanupHook([queue, env] { queue->close(env); });
  env.SetInstanceData(new std::shared_ptr<FinishQueue>(queue));  // freed with the environment
}

std::shared_ptr<FinishQueue> FinishQueue::of(Napi::Env env) {
  return *env.GetInstanceData<std::shared_ptr<FinishQueue>>();
}

FinishQueue::Id FinishQueue::expect(Napi::Env env, Settle settle) {
  if (expected_.empty()) queue_.Ref(env);
  expected_.emplace(++last_id_, std::move(settle));
  return last_id_;
}

void FinishQueue::forget(Napi::Env env, Id id) {
  if (expected_.erase(id) > 0 && expected_.empty()) queue_.Unref(env);
}

bool FinishQueue::finished(Id id) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  finished_.push_back(id);
  if (!posted_) posted_ = queue_.NonBlockingCall() == napi_ok;
  return true;
}

// Native threads continue their work, but must not use the environment from now on.
void FinishQueue::close(Napi::Env env) {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  if (!expected_.empty()) {
    queue_.Unref(env);
    // The process may end during that work, and its main thread may not have loaded the addon.
    llm2clip::arm_exit_guard();
  }
  expected_.clear();
  queue_.Abort();
}

void FinishQueue::on_js_thread(Napi::Env env, Napi::Function, FinishQueue* queue, void*) {
  if (static_cast<napi_env>(env) == nullptr) return;  // the environment has ended
  const std::shared_ptr<FinishQueue> self = queue->weak_from_this().lock();
  if (!self) return;
  std::vector<Id> finished;
  {
    const std::lock_guard lock(self->mutex_);
    self->posted_ = false;
    if (self->closed_) return;
    finished.swap(self->finished_);
  }
  const Napi::HandleScope scope(env);
  try {
    for (const Id id : finished) {
      const auto found = self->expected_.find(id);
      if (found == self->expected_.end()) continue;
      const Settle settle = std::move(found->second);
      self->forget(env, id);
      settle(env);
    }
  } catch (const Napi::Error&) {
    // The worker is being terminated: no JavaScript runs any more, and nobody waits.
  }
}

}  // namespace llm2clip::binding
