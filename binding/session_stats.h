#pragma once

#include <napi.h>

#include "encode_request.h"
#include "pending.h"
#include "serving/scheduler_stats.h"

namespace llm2clip::binding {

// Makes SessionStats of lib/native.ts.
Napi::Object describe(Napi::Env env, const SchedulerStats& scheduler,
                      const Pending::Delivered& delivered, const InputCopies& copies);

}  // namespace llm2clip::binding
