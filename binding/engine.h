#pragma once

#include <napi.h>

#include <memory>

#include "engine/engine.h"

namespace llm2clip::binding {

// openEngine(plugin, libraries): Promise<NativeEngine>
Napi::Value open_engine(const Napi::CallbackInfo& info);

// cpuEngine(): NativeEngine, the engine that is part of the addon
Napi::Value wrap_cpu_engine(const Napi::CallbackInfo& info);

}  // namespace llm2clip::binding
