#pragma once

#include <napi.h>

#include <exception>
#include <type_traits>
#include <utility>

#include "js_error.h"

namespace llm2clip::binding {

// Makes a JS function that runs `body`, which takes a Napi::CallbackInfo and returns a Napi::Value
// or nothing. All functions of the addon are made here; `npm run check` enforces it. N-API's own
// handler only knows Napi::Error, and any other exception would end the process. Here each
// exception becomes a JS error with a code.
template <typename Body>
Napi::Function make_function(Napi::Env env, Body body) {
  return Napi::Function::New(
      env, [body = std::move(body)](const Napi::CallbackInfo& info) -> Napi::Value {
        try {
          if constexpr (std::is_void_v<decltype(body(info))>) {
            body(info);
            return info.Env().Undefined();
          } else {
            return body(info);
          }
        } catch (...) {
          throw to_js_error(info.Env(), std::current_exception());
        }
      });
}

// The same as a property.
template <typename Body>
void set_function(Napi::Object object, const char* name, Body body) {
  object.Set(name, make_function(object.Env(), std::move(body)));
}

}  // namespace llm2clip::binding
