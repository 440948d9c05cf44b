#include <napi.h>

#include "cuda_probe.h"
#include "delivery.h"
#include "engine.h"
#include "image.h"
#include "system.h"
#include "vectors.h"

namespace llm2clip::binding {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("cpuFeatures", Napi::Function::New(env, cpu_features));
  exports.Set("cpuIsa", Napi::Function::New(env, cpu_isa));
  exports.Set("exchangeDirectories", Napi::Function::New(env, exchange_directories));
  exports.Set("armExitGuard", Napi::Function::New(env, arm_exit_guard));
  exports.Set("probeCuda", Napi::Function::New(env, probe_cuda));
  exports.Set("preprocess", Napi::Function::New(env, preprocess));
  exports.Set("deliver", Napi::Function::New(env, deliver_array));
  exports.Set("openEngine", Napi::Function::New(env, open_engine));
  exports.Set("createVectors", Napi::Function::New(env, create_vectors));
  exports.Set("openVectors", Napi::Function::New(env, open_vectors));
  exports.Set("similarity", Napi::Function::New(env, similarity));
  return exports;
}

NODE_API_MODULE(llm2clip, init)

}  // namespace llm2clip::binding
