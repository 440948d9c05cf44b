#pragma once

#include <napi.h>

#include <exception>

namespace llm2clip::binding {

// A JS Error that carries a code of lib/errors.ts; lib makes it an LLM2CLIPError with the caller's
// stack. JS thread.
Napi::Error to_js_error(Napi::Env env, const std::exception_ptr& cause);

// A promise that is rejected with it.
Napi::Promise rejected(Napi::Env env, const std::exception_ptr& cause);

}  // namespace llm2clip::binding
