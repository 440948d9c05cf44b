#include "system.h"

#include "arguments.h"
#include "base/cpu_features.h"
#include "base/exchange.h"
#include "serving/exit_guard.h"

namespace llm2clip::binding {

Napi::Value cpu_features(const Napi::CallbackInfo& info) {
  auto list = Napi::Array::New(info.Env());
  for (const std::string& feature : llm2clip::cpu_features()) list.Set(list.Length(), feature);
  return list;
}

Napi::Value cpu_isa(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), isa_name(llm2clip::cpu_isa()));
}

Napi::Value arm_exit_guard(const Napi::CallbackInfo& info) {
  llm2clip::arm_exit_guard();
  return info.Env().Undefined();
}

Napi::Value exchange_directories(const Napi::CallbackInfo& info) {
  llm2clip::exchange_directories(read_string(info[0], "a"), read_string(info[1], "b"));
  return info.Env().Undefined();
}

}  // namespace llm2clip::binding
