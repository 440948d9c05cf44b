#pragma once

#include <napi.h>

#include <memory>

#include "engine/engine.h"

namespace llm2clip::binding {

// NativeEngine.calibrate, .layerEffects and .embed of lib/native.ts, which a conversion to int8
// calls before there is a bundle.
Napi::Value calibrate_off_thread(const Napi::CallbackInfo& info, std::shared_ptr<Engine> engine);
Napi::Value layer_effects_off_thread(const Napi::CallbackInfo& info,
                                     std::shared_ptr<Engine> engine);
Napi::Value embed_off_thread(const Napi::CallbackInfo& info, std::shared_ptr<Engine> engine);

}  // namespace llm2clip::binding
