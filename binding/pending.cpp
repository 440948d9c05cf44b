#include "pending.h"

#include "base/error.h"
#include "js_error.h"

namespace llm2clip::binding {
std::shared_ptr<Pending> Pending::create(Napi::Env env) {
  auto pending = std::make_shared<Pending>();
  pending->queue_ = Queue::New(env, "llm2clip embeddings", 0, 1, pending.get());
  pending->queue_.Unref(env);
  return pending;
}

Napi::Promise Pending::add(Napi::Env env, Id id, RequestId request, const Wish& wish) {
  if (entries_.empty()) queue_.Ref(env);  // a process with work in flight does not end
  Entry entry{
      Napi::Promise::Deferred::New(env), request, Napi::Persistent(wish.input), {}, wish.delivery};
  if (wish.out.IsTypedArray()) entry.out = Napi::Persistent(wish.out.As<Napi::Object>());
  const Napi::Promise promise = entry.deferred.Promise();
  entries_.emplace(id, std::move(entry));
  return promise;
}

void Pending::require_free(Id id) const {
  if (!entries_.contains(id)) return;
  throw Error(ErrorCode::kInvalidArg,
              "expected an id that nothing is pending under, found " + std::to_string(id));
}

RequestId Pending::request_of(Id id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? 0 : found->second.request;
}

void Pending::drop(Napi::Env env, Id id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  found->second.deferred.Resolve(env.Undefined());
  entries_.erase(found);
  if (entries_.empty()) queue_.Unref(env);
}

void Pending::deliver(Id id, std::span<const float> numbers,
                      const std::shared_ptr<const void>& owner) {
  const std::lock_guard lock(mutex_);
  inbox_.push_back({id, numbers, owner, nullptr, Clock::now()});
}

void Pending::fail(Id id, std::exception_ptr error) {
  const std::lock_guard lock(mutex_);
  inbox_.push_back({id, {}, nullptr, std::move(error), Clock::now()});
}

void Pending::flush() {
  const std::lock_guard lock(mutex_);
  if (closed_ || posted_ || inbox_.empty()) return;
  posted_ = queue_.NonBlockingCall() == napi_ok;
}

void Pending::close(Napi::Env env) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    inbox_.clear();
  }
  if (!entries_.empty()) queue_.Unref(env);
  entries_.clear();
  queue_.Abort();
}

Pending::Delivered Pending::delivered() const {
  Delivered delivered = delivered_;
  delivered.time = delivery_time_.summary();
  return delivered;
}

Napi::Value Pending::write(Napi::Env env, Entry& entry, std::span<const float> numbers) {
  delivered_.copies += 1;
  delivered_.bytes += numbers.size_bytes();
  return give(env, numbers, entry.delivery,
              entry.out.IsEmpty() ? env.Undefined() : Napi::Value(entry.out.Value()));
}

void Pending::settle(Napi::Env env, Result& result) {
  const auto found = entries_.find(result.id);
  if (found == entries_.end()) return;
  Entry entry = std::move(found->second);
  entries_.erase(found);
  if (entries_.empty()) queue_.Unref(env);
  if (result.error) return entry.deferred.Reject(to_js_error(env, result.error).Value());
  try {
    entry.deferred.Resolve(write(env, entry, result.numbers));
  } catch (...) {
    entry.deferred.Reject(to_js_error(env, std::current_exception()).Value());
  }
  delivery_time_.record(Clock::now() - result.at);
}

void Pending::on_js_thread(Napi::Env env, Napi::Function, Pending* pending, void*) {
  if (static_cast<napi_env>(env) == nullptr) return;  // the environment has ended
  const std::shared_ptr<Pending> self = pending->weak_from_this().lock();
  if (!self) return;
  std::vector<Result> results;
  {
    const std::lock_guard lock(self->mutex_);
    self->posted_ = false;
    if (self->closed_) return;
    results.swap(self->inbox_);
  }
  const Napi::HandleScope scope(env);
  try {
    for (Result& result : results) self->settle(env, result);
  } catch (const Napi::Error&) {
    // The worker is being terminated: no JavaScript runs any more, and nobody waits.
  }
}

}  // namespace llm2clip::binding
