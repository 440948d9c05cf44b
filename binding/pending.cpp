#include "pending.h"

#include <algorithm>

#include "promise_worker.h"

namespace llm2clip::binding {

std::shared_ptr<Pending> Pending::create(Napi::Env env) {
  auto pending = std::make_shared<Pending>();
  pending->queue_ = Queue::New(env, "llm2clip embeddings", 0, 1);
  pending->queue_.Unref(env);
  return pending;
}

std::pair<Pending::Id, Napi::Promise> Pending::add(Napi::Env env, Napi::Object input) {
  if (entries_.empty()) queue_.Ref(env);  // a process with work in flight does not end
  const Id id = next_++;
  auto deferred = Napi::Promise::Deferred::New(env);
  const auto [at, added] = entries_.emplace(id, Entry{deferred, Napi::Persistent(input)});
  return {id, at->second.deferred.Promise()};
}

void Pending::deliver(Id id, std::vector<float> embedding) {
  post(std::make_unique<Delivery>(Delivery{shared_from_this(), id, std::move(embedding), nullptr}));
}

void Pending::deliver(Id id, std::exception_ptr error) {
  post(std::make_unique<Delivery>(Delivery{shared_from_this(), id, {}, std::move(error)}));
}

void Pending::post(std::unique_ptr<Delivery> delivery) {
  // On any status but ok the environment is ending and nobody waits.
  if (queue_.NonBlockingCall(delivery.get()) == napi_ok) delivery.release();
}

void Pending::close() { queue_.Release(); }

void Pending::settle(Napi::Env env, Delivery& delivery) {
  const auto found = entries_.find(delivery.id);
  Entry entry = std::move(found->second);
  entries_.erase(found);
  if (entries_.empty()) queue_.Unref(env);
  if (delivery.error) return entry.deferred.Reject(to_js_error(env, delivery.error).Value());
  auto result = Napi::Float32Array::New(env, delivery.embedding.size());
  std::ranges::copy(delivery.embedding, result.Data());
  entry.deferred.Resolve(result);
}

void Pending::on_js_thread(Napi::Env env, Napi::Function, std::nullptr_t*, Delivery* raw) {
  const std::unique_ptr<Delivery> delivery(raw);
  if (static_cast<napi_env>(env) == nullptr) return;  // the environment has ended
  const Napi::HandleScope scope(env);
  delivery->to->settle(env, *delivery);
}

}  // namespace llm2clip::binding
