#include "decode_turns.h"

#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "arguments.h"
#include "base/error.h"
#include "finish_queue.h"

namespace llm2clip::binding {
namespace {

constexpr int64_t kMostTurns = 1 << 20;

using Environment = std::shared_ptr<FinishQueue>;

// Never freed, because threads may outlive the statics of this library. All methods may be called
// from any thread.
class Turns {
 public:
  bool take(const Environment& environment, size_t most) {
    const std::lock_guard lock(mutex_);
    return take_free(environment, most);
  }

  // If no turn is free, `id` is settled when one becomes free.
  bool take_or_wait(const Environment& environment, size_t most, FinishQueue::Id id) {
    const std::lock_guard lock(mutex_);
    if (take_free(environment, most)) return true;
    waiting_.push_back({environment, id});
    return false;
  }

  bool give(const Environment& environment) {
    const std::lock_guard lock(mutex_);
    const auto holder = held_.find(environment.get());
    if (holder == held_.end() || holder->second == 0) return false;
    --holder->second;
    pass_on();
    return true;
  }

  // Called when the environment ends.
  void leave(const Environment& environment) {
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [&](const Waiting& one) { return one.environment == environment; });
    const auto holder = held_.find(environment.get());
    if (holder == held_.end()) return;
    for (size_t left = holder->second; left > 0; --left) pass_on();
    held_.erase(holder);
  }

  // Whether the environment asks for the first time. It then needs a hook for its end.
  bool is_new(const Environment& environment) {
    const std::lock_guard lock(mutex_);
    return held_.try_emplace(environment.get(), 0).second;
  }

 private:
  struct Waiting {
    Environment environment;
    FinishQueue::Id id;
  };

  bool take_free(const Environment& environment, size_t most) {
    if (taken_ >= most) return false;
    ++taken_;
    ++held_[environment.get()];
    return true;
  }

  // Passes a returned turn to the caller that has waited longest.
  void pass_on() {
    while (!waiting_.empty()) {
      const Waiting next = std::move(waiting_.front());
      waiting_.pop_front();
      if (!next.environment->finished(next.id)) continue;
      ++held_[next.environment.get()];
      return;
    }
    --taken_;
  }

  std::mutex mutex_;
  size_t taken_ = 0;
  std::map<const FinishQueue*, size_t> held_;
  std::deque<Waiting> waiting_;
};

Turns& turns() {
  static auto* const instance = new Turns;
  return *instance;
}

}  // namespace

Napi::Value take_decode_turn(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto most = static_cast<size_t>(read_integer(info[0], "most", 1, kMostTurns));
  const Environment environment = FinishQueue::of(env);
  if (turns().is_new(environment)) {
    env.AddCleanupHook([environment] { turns().leave(environment); });
  }
  if (turns().take(environment, most)) return env.Undefined();
  const auto deferred = Napi::Promise::Deferred::New(env);
  const FinishQueue::Id id =
      environment->expect(env, [deferred](Napi::Env env) { deferred.Resolve(env.Undefined()); });
  if (!turns().take_or_wait(environment, most, id)) return deferred.Promise();
  environment->forget(env, id);
  deferred.Resolve(env.Undefined());
  return deferred.Promise();
}

void give_decode_turn(const Napi::CallbackInfo& info) {
  if (turns().give(FinishQueue::of(info.Env()))) return;
  throw Error(ErrorCode::kInvalidArg, "expected a turn to give back, found none taken");
}

}  // namespace llm2clip::binding
