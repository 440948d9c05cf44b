#pragma once

#include <napi.h>

namespace llm2clip::binding {

// cpuFeatures(): string[]
Napi::Value cpu_features(const Napi::CallbackInfo& info);

// cpuIsa(): string
Napi::Value cpu_isa(const Napi::CallbackInfo& info);

// armExitGuard(): void
Napi::Value arm_exit_guard(const Napi::CallbackInfo& info);

// exchangeDirectories(a, b): void
Napi::Value exchange_directories(const Napi::CallbackInfo& info);

}  // namespace llm2clip::binding
