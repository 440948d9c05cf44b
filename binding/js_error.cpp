#include "js_error.h"

#include <new>
#include <string>

#include "base/error.h"

namespace llm2clip::binding {

Napi::Error to_js_error(Napi::Env env, const std::exception_ptr& cause) {
  std::string message = "unknown failure";
  ErrorCode code = ErrorCode::kInternal;
  try {
    std::rethrow_exception(cause);
  } catch (const Napi::Error& error) {
    return {env, error.Value()};  // made by binding, with its code
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

Napi::Promise rejected(Napi::Env env, const std::exception_ptr& cause) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(to_js_error(env, cause).Value());
  return deferred.Promise();
}

}  // namespace llm2clip::binding
