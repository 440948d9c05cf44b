#pragma once

#include <napi.h>

namespace llm2clip::binding {

// preprocess(image: RawPixels, preprocessing: Preprocessing): Promise<Float32Array>, [3, S, S]
Napi::Value preprocess(const Napi::CallbackInfo& info);

}  // namespace llm2clip::binding
