#include "session.h"

#include <functional>

#include "arguments.h"
#include "base/error.h"
#include "encode_request.h"
#include "engine/served_session.h"
#include "function.h"
#include "pending.h"
#include "promise_worker.h"
#include "session_stats.h"
#include "specs.h"

namespace llm2clip::binding {
namespace {

constexpr int64_t kMostId = 0xffffffff;

Error disposed() { return {ErrorCode::kDisposed, "the model has been disposed of"}; }

// One session in one environment: the `this` of the functions in lib/native.ts. Several
// environments may hold the same served session.
class SessionHandle {
 public:
  SessionHandle(Napi::Env env, std::shared_ptr<ServedSession> served, TakenInputs taken)
      : served_(std::move(served)),
        pending_(Pending::create(env)),
        context_(std::make_shared<EncodeRequest::Context>(
            EncodeRequest::Context{std::move(taken), pending_, std::make_shared<InputCopies>()})) {}

  void add_hook(Napi::Env env, const std::shared_ptr<SessionHandle>& self) {
    auto hook = env.AddCleanupHook([self, env] { self->abandon(env); });
    remove_hook_ = [hook](Napi::Env env) mutable { hook.Remove(env); };
  }

  const PipelineInfo& info() const { return served_->info; }

  // encode(id, input, options)
  Napi::Value encode(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    try {
      const auto id = static_cast<Pending::Id>(read_integer(info[0], "id", 0, kMostId));
      // Options are read first: reading them may run JavaScript that detaches the input's memory.
      EncodeSpec spec = parse_encode_spec(read_object(info[2], "options"));
      if (!served_) throw disposed();
      pending_->require_free(id);
      const Napi::Object input = read_object(info[1], "input");
      const EncodeInput parsed = parse_input(input, context_->taken);
      Ticket& ticket = spec.ticket;
      ticket.client = pending_;
      ticket.weight = weight_of(parsed);
      ticket.output.input = kind_of(parsed);
      auto request = std::make_unique<EncodeRequest>(parsed, context_, id);
      if (ticket.borrowed && !std::holds_alternative<Floats>(parsed)) {
        // Resizing and widening would take too long on this thread.
        request->keep();
        ticket.borrowed = false;
      }
      const RequestId number = served_->scheduler->submit(std::move(request), std::move(ticket));
      return pending_->add(env, id, number, {input, spec.out, spec.delivery});
    } catch (...) {
      return rejected(env, std::current_exception());
    }
  }

  // wake()
  void wake() {
    if (served_) served_->scheduler->wake();
  }

  // cancel(id)
  void cancel(const Napi::CallbackInfo& info) {
    const auto id = static_cast<Pending::Id>(read_integer(info[0], "id", 0, kMostId));
    const RequestId request = pending_->request_of(id);
    if (served_ && request != 0 && served_->scheduler->cancel(request)) {
      pending_->drop(info.Env(), id);
    }
  }

  // stats()
  Napi::Value stats(Napi::Env env) const {
    if (!served_) throw disposed();
    return describe(env, served_->scheduler->stats(), pending_->delivered(), *context_->copies);
  }

  // close(): the caller has waited for all its requests.
  Napi::Value close(Napi::Env env) {
    std::shared_ptr<ServedSession> served = let_go(env);
    if (remove_hook_) remove_hook_(env);
    remove_hook_ = nullptr;
    return PromiseWorker<bool>::run(
        env,
        [served]() mutable {
          served.reset();  // the last session waits for the threads
          return true;
        },
        [](Napi::Env env, bool&&) { return env.Undefined(); });
  }

 private:
  // The environment ends. Native threads must not use its memory from now on.
  void abandon(Napi::Env env) { release_later(let_go(env)); }

  std::shared_ptr<ServedSession> let_go(Napi::Env env) {
    if (served_) served_->scheduler->abandon(pending_.get());
    pending_->close(env);
    return std::move(served_);
  }

  std::shared_ptr<ServedSession> served_;  // null after close()
  std::shared_ptr<Pending> pending_;
  std::shared_ptr<const EncodeRequest::Context> context_;
  std::function<void(Napi::Env)> remove_hook_;
};

Napi::Object describe(Napi::Env env, const SessionInfo& info) {
  auto kernels = Napi::Array::New(env);
  for (uint32_t i = 0; i < info.kernels.size(); ++i) kernels.Set(i, info.kernels[i]);
  auto object = Napi::Object::New(env);
  object.Set("device", info.device);
  object.Set("precision", info.precision);
  object.Set("kernels", kernels);
  object.Set("givesPatches", info.gives_patches);
  return object;
}

Napi::Object describe(Napi::Env env, const PipelineInfo& info) {
  auto object = Napi::Object::New(env);
  if (info.vision) object.Set("vision", describe(env, *info.vision));
  if (info.llm) object.Set("llm", describe(env, *info.llm));
  if (info.adapter) object.Set("adapter", describe(env, *info.adapter));
  return object;
}

TakenInputs inputs_of(const SessionSpec& spec) {
  const auto& [vision, llm, adapter] = spec.parts;
  const int64_t width = adapter ? adapter->session.input.numbers() : 0;
  return {spec.preprocessing, static_cast<size_t>(width), llm.has_value()};
}

Napi::Value wrap(Napi::Env env, std::shared_ptr<ServedSession>&& served, const SessionSpec& spec) {
  const auto handle = std::make_shared<SessionHandle>(env, std::move(served), inputs_of(spec));
  handle->add_hook(env, handle);
  using Info = Napi::CallbackInfo;
  auto object = Napi::Object::New(env);
  object.Set("info", describe(env, handle->info()));
  set_function(object, "encode", [handle](const Info& info) { return handle->encode(info); });
  set_function(object, "wake", [handle](const Info&) { handle->wake(); });
  set_function(object, "cancel", [handle](const Info& info) { handle->cancel(info); });
  set_function(object, "stats", [handle](const Info& info) { return handle->stats(info.Env()); });
  set_function(object, "close", [handle](const Info& info) { return handle->close(info.Env()); });
  return object;
}

}  // namespace

Napi::Value open_session(const Napi::CallbackInfo& info, std::shared_ptr<Engine> engine) {
  const SessionSpec spec = parse_session_spec(read_object(info[0], "spec"));
  return PromiseWorker<std::shared_ptr<ServedSession>>::run(
      info.Env(),
      [engine, spec] {
        return share(spec.key, [&] { return serve(*engine, spec.parts, spec.scheduler); });
      },
      [spec](Napi::Env env, std::shared_ptr<ServedSession>&& served) {
        return wrap(env, std::move(served), spec);
      });
}

}  // namespace llm2clip::binding
