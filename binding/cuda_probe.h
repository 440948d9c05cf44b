#pragma once

#include <napi.h>

namespace llm2clip::binding {

// probeCuda(): Promise<CudaProbe>
Napi::Value probe_cuda(const Napi::CallbackInfo& info);

}  // namespace llm2clip::binding
