#pragma once

#include <napi.h>

#include <exception>

namespace llm2clip::binding {

// Makes a JS Error with a code of lib/errors.ts. lib converts it to an LLM2CLIPError with the
// caller's stack. Call it on the JS thread.
Napi::Error to_js_error(Napi::Env env, const std::exception_ptr& cause);

// Returns a promise that is rejected with this error.
Napi::Promise rejected(Napi::Env env, const std::exception_ptr& cause);

}  // namespace llm2clip::binding
