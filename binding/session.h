#pragma once

#include <napi.h>

#include <memory>

#include "engine/engine.h"

namespace llm2clip::binding {

// open(spec): Promise<NativeSession>
Napi::Value open_session(const Napi::CallbackInfo& info, std::shared_ptr<Engine> engine);

}  // namespace llm2clip::binding
