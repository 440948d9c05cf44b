#include "system.h"

#include <exception>

#include "base/cpu_features.h"
#include "base/exchange.h"
#include "promise_worker.h"
#include "serving/exit_guard.h"

namespace llm2clip::binding {

Napi::Value cpu_features(const Napi::CallbackInfo& info) {
  auto list = Napi::Array::New(info.Env());
  for (const std::string& feature : llm2clip::cpu_features()) list.Set(list.Length(), feature);
  return list;
}

Napi::Value cpu_isa(const Napi::CallbackInfo& info) {
  try {
    return Napi::String::New(info.Env(), isa_name(llm2clip::cpu_isa()));
  } catch (...) {
    throw to_js_error(info.Env(), std::current_exception());
  }
}

Napi::Value arm_exit_guard(const Napi::CallbackInfo& info) {
  llm2clip::arm_exit_guard();
  return info.Env().Undefined();
}

Napi::Value exchange_directories(const Napi::CallbackInfo& info) {
  try {
    llm2clip::exchange_directories(info[0].As<Napi::String>().Utf8Value(),
                                   info[1].As<Napi::String>().Utf8Value());
  } catch (...) {
    throw to_js_error(info.Env(), std::current_exception());
  }
  return info.Env().Undefined();
}

}  // namespace llm2clip::binding
