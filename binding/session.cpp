#include "session.h"

#include <algorithm>
#include <functional>
#include <mutex>
#include <variant>

#include "base/error.h"
#include "pending.h"
#include "promise_worker.h"
#include "serving/scheduler.h"
#include "specs.h"

namespace llm2clip::binding {
namespace {

// While JS memory may be read. The environment closes it before that memory goes away.
struct Gate {
  std::mutex mutex;
  bool open = true;
};

using Input = std::variant<ImageView, std::span<const float>>;

class PictureRequest final : public Request {
 public:
  PictureRequest(Input input, const Preprocessing& preprocessing, std::shared_ptr<Gate> gate,
                 std::shared_ptr<Pending> pending, Pending::Id id)
      : input_(input),
        preprocessing_(preprocessing),
        gate_(std::move(gate)),
        pending_(std::move(pending)),
        id_(id) {}

  void prepare(std::span<float> slot) override {
    const std::lock_guard lock(gate_->mutex);
    if (!gate_->open) throw Error(ErrorCode::kDisposed, "the environment has ended");
    if (const auto* image = std::get_if<ImageView>(&input_)) {
      preprocess(*image, preprocessing_, slot.data());
    } else {
      std::ranges::copy(std::get<std::span<const float>>(input_), slot.begin());
    }
  }

  void complete(std::span<const float> embedding) override {
    pending_->deliver(id_, std::vector<float>(embedding.begin(), embedding.end()));
  }

  void fail(std::exception_ptr error) override { pending_->deliver(id_, std::move(error)); }

 private:
  Input input_;
  Preprocessing preprocessing_;
  std::shared_ptr<Gate> gate_;
  std::shared_ptr<Pending> pending_;
  Pending::Id id_;
};

// The engine's session as the scheduler sees it.
class SessionRunner final : public BatchRunner {
 public:
  SessionRunner(std::unique_ptr<Session> session, int64_t embedding_dim)
      : session_(std::move(session)), embedding_dim_(embedding_dim) {}

  std::span<const float> run(std::span<const float> pixels, int64_t batch) override {
    const Embeddings out = session_->run(pixels.data(), batch);
    if (out.dim != embedding_dim_) {
      throw Error(ErrorCode::kEngineIncompatible, "expected embeddings of " +
                                                      std::to_string(embedding_dim_) +
                                                      " numbers, found " + std::to_string(out.dim));
    }
    return {out.data, static_cast<size_t>(out.batch * out.dim)};
  }

 private:
  std::unique_ptr<Session> session_;
  int64_t embedding_dim_;
};

struct OpenedSession {
  std::shared_ptr<Scheduler> scheduler;
  SessionInfo info;
};

OpenedSession open(const std::shared_ptr<Engine>& engine, const SessionSpec& spec) {
  OpenedSession opened;
  const int64_t slot = 3 * spec.options.image_size * spec.options.image_size;
  opened.scheduler = std::make_shared<Scheduler>(
      SchedulerOptions{spec.max_batch, slot}, [&]() -> std::unique_ptr<BatchRunner> {
        auto session = engine->open(spec.options);
        opened.info = session->info();
        return std::make_unique<SessionRunner>(std::move(session), spec.embedding_dim);
      });
  return opened;
}

std::span<const float> float_span(const Napi::Value& value) {
  const auto array = value.As<Napi::Float32Array>();
  return {array.Data(), array.ElementLength()};
}

// One session in one environment: the `this` of encode and close.
struct SessionHandle {
  std::shared_ptr<Scheduler> scheduler;
  std::shared_ptr<Pending> pending;
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  Preprocessing preprocessing;
  std::function<void(Napi::Env)> remove_hook;

  Napi::Value encode(const Napi::CallbackInfo& info) {
    if (!remove_hook) throw to_js_error(info.Env(), std::make_exception_ptr(disposed()));
    const auto input = info[0].As<Napi::Object>();
    const auto [id, promise] = pending->add(info.Env(), input);
    const Input view = input.Has("pixelValues") ? Input(float_span(input.Get("pixelValues")))
                                                : Input(parse_image(input));
    scheduler->submit(std::make_unique<PictureRequest>(view, preprocessing, gate, pending, id));
    return promise;
  }

  static Napi::Value close(Napi::Env env, const std::shared_ptr<SessionHandle>& handle) {
    return PromiseWorker<bool>::run(
        env,
        [scheduler = handle->scheduler] {
          scheduler->close();
          return true;
        },
        [handle](Napi::Env env, bool&&) {
          handle->forget(env);
          return env.Undefined();
        });
  }

  static Error disposed() { return {ErrorCode::kDisposed, "the model has been disposed of"}; }

  // All is delivered: nothing of this session is left to look after.
  void forget(Napi::Env env) {
    if (!remove_hook) return;
    pending->close();
    remove_hook(env);
    remove_hook = nullptr;
  }

  // The environment ends: native threads must not touch its memory from here on.
  void abandon() {
    {
      const std::lock_guard lock(gate->mutex);
      gate->open = false;
    }
    scheduler->cancel();
  }
};

Napi::Object describe(Napi::Env env, const SessionInfo& info) {
  auto kernels = Napi::Array::New(env);
  for (uint32_t i = 0; i < info.kernels.size(); ++i) kernels.Set(i, info.kernels[i]);
  auto object = Napi::Object::New(env);
  object.Set("device", info.device);
  object.Set("precision", info.precision);
  object.Set("kernels", kernels);
  return object;
}

Napi::Value wrap(Napi::Env env, OpenedSession&& opened, const Preprocessing& preprocessing) {
  auto handle = std::make_shared<SessionHandle>();
  handle->scheduler = std::move(opened.scheduler);
  handle->pending = Pending::create(env);
  handle->preprocessing = preprocessing;
  auto hook = env.AddCleanupHook([handle] { handle->abandon(); });
  handle->remove_hook = [hook](Napi::Env env) mutable { hook.Remove(env); };

  auto object = Napi::Object::New(env);
  object.Set("info", describe(env, opened.info));
  object.Set("encode", Napi::Function::New(env, [handle](const Napi::CallbackInfo& info) {
               return handle->encode(info);
             }));
  object.Set("close", Napi::Function::New(env, [handle](const Napi::CallbackInfo& info) {
               return SessionHandle::close(info.Env(), handle);
             }));
  return object;
}

}  // namespace

Napi::Value open_session(const Napi::CallbackInfo& info, const std::shared_ptr<Engine>& engine) {
  const SessionSpec spec = parse_session_spec(info[0].As<Napi::Object>());
  return PromiseWorker<OpenedSession>::run(
      info.Env(), [engine, spec] { return open(engine, spec); },
      [preprocessing = spec.preprocessing](Napi::Env env, OpenedSession&& opened) {
        return wrap(env, std::move(opened), preprocessing);
      });
}

}  // namespace llm2clip::binding
