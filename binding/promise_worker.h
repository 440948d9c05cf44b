#pragma once

#include <napi.h>

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"

namespace llm2clip::binding {

// A JS Error that carries `code`; lib makes it an LLM2CLIPError with the caller's stack.
inline Napi::Error to_js_error(Napi::Env env, const std::exception_ptr& cause) {
  std::string message = "unknown failure";
  ErrorCode code = ErrorCode::kInternal;
  try {
    std::rethrow_exception(cause);
  } catch (const Napi::Error& error) {
    return {env, error.Value()};  // made by binding, its code included
  } catch (const Error& error) {
    message = error.what();
    code = error.code();
  } catch (const std::bad_alloc&) {
    message = "out of memory";
    code = ErrorCode::kOutOfMemory;
  } catch (const std::exception& error) {
    message = error.what();
  } catch (...) {
  }
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, name(code)));
  return error;
}

// The one way to run native code off the event loop: `work` on a thread of libuv's pool, then
// `finish` on the JS thread to make the value that the promise resolves with.
template <typename Result>
class PromiseWorker : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result()>;
  using Finish = std::function<Napi::Value(Napi::Env, Result&&)>;

  static Napi::Promise run(Napi::Env env, Work work, Finish finish) {
    auto* worker = new PromiseWorker(env, std::move(work), std::move(finish));  // deletes itself
    worker->Queue();
    return worker->deferred_.Promise();
  }

 protected:
  void Execute() override {
    try {
      result_.emplace(work_());
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  void OnOK() override {
    const Napi::Env env = Env();
    if (error_) return deferred_.Reject(to_js_error(env, error_).Value());
    try {
      deferred_.Resolve(finish_(env, std::move(*result_)));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

 private:
  PromiseWorker(Napi::Env env, Work work, Finish finish)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        work_(std::move(work)),
        finish_(std::move(finish)) {}

  Napi::Promise::Deferred deferred_;
  Work work_;
  Finish finish_;
  std::optional<Result> result_;
  std::exception_ptr error_;
};

}  // namespace llm2clip::binding
