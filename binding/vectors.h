#pragma once

#include <napi.h>

namespace llm2clip::binding {

// createVectors(storage, dim): NativeVectors
Napi::Value create_vectors(const Napi::CallbackInfo& info);

// openVectors(path, append): Promise<{ vectors, records }>
Napi::Value open_vectors(const Napi::CallbackInfo& info);

// similarity(a, b, dim, threads): Promise<Float32Array>
Napi::Value similarity(const Napi::CallbackInfo& info);

}  // namespace llm2clip::binding
