#include "cuda_probe.h"

#include "cuda/probe.h"
#include "promise_worker.h"

namespace llm2clip::binding {
namespace {

Napi::Object describe(Napi::Env env, const CudaDevice& device) {
  auto object = Napi::Object::New(env);
  object.Set("index", Napi::Number::New(env, device.index));
  object.Set("name", Napi::String::New(env, device.name));
  object.Set("uuid", Napi::String::New(env, device.uuid));
  object.Set("memoryBytes", Napi::Number::New(env, static_cast<double>(device.memory)));
  object.Set("computeCapability", Napi::String::New(env, std::to_string(device.major) + "." +
                                                             std::to_string(device.minor)));
  return object;
}

}  // namespace

Napi::Value probe_cuda(const Napi::CallbackInfo& info) {
  // Starting the driver takes a second on some machines.
  return PromiseWorker<CudaProbe>::run(
      info.Env(), [] { return llm2clip::probe_cuda(); },
      [](Napi::Env env, CudaProbe&& probe) -> Napi::Value {
        auto devices = Napi::Array::New(env);
        for (const CudaDevice& device : probe.devices) {
          devices.Set(devices.Length(), describe(env, device));
        }
        auto result = Napi::Object::New(env);
        result.Set("problem", Napi::String::New(env, probe.problem));
        result.Set("driverVersion", Napi::Number::New(env, probe.driver_version));
        result.Set("devices", devices);
        return result;
      });
}

}  // namespace llm2clip::binding
