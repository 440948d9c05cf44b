#include "calibration.h"

#include <algorithm>

#include "arguments.h"
#include "base/threads.h"
#include "promise_worker.h"
#include "specs.h"

namespace llm2clip::binding {
namespace {

Napi::Float32Array to_js(Napi::Env env, const std::vector<float>& values) {
  auto array = Napi::Float32Array::New(env, values.size());
  std::ranges::copy(values, array.Data());
  return array;
}

Napi::Object to_js(Napi::Env env, const LayerCalibration& layer) {
  auto object = Napi::Object::New(env);
  object.Set("name", Napi::String::New(env, layer.name));
  object.Set("cosine", Napi::Number::New(env, layer.cosine));
  object.Set("smoothing",
             layer.smoothing.empty() ? env.Null() : Napi::Value(to_js(env, layer.smoothing)));
  return object;
}

// Runs one input after the other, so that memory does not grow with their number.
std::vector<float> embed(Engine& engine, const FileRun& run) {
  const auto session = engine.open(run.options);
  const BatchView batch = run.batch();
  std::vector<float> all;
  for (int64_t i = 0; i < count_of(batch); ++i) {
    const Embeddings found = session->run(some_of(batch, i, 1));
    all.insert(all.end(), found.data, found.data + found.dim);
  }
  return all;
}

std::shared_ptr<const FileRun> parse(const Napi::CallbackInfo& info) {
  return std::make_shared<const FileRun>(parse_images_run(read_object(info[0], "spec")));
}

Calibrator& calibrator_of(Engine& engine) {
  return require_offered(engine.calibrator(), "calibration for int8");
}

}  // namespace

Napi::Value calibrate_off_thread(const Napi::CallbackInfo& info, std::shared_ptr<Engine> engine) {
  return PromiseWorker<Calibration>::run(
      info.Env(),
      [engine, run = parse(info)] {
        return calibrator_of(*engine).calibrate(run->options, run->images());
      },
      [](Napi::Env env, Calibration&& calibration) -> Napi::Value {
        auto layers = Napi::Array::New(env, calibration.layers.size());
        for (uint32_t i = 0; i < layers.Length(); ++i) {
          layers.Set(i, to_js(env, calibration.layers[i]));
        }
        auto result = Napi::Object::New(env);
        result.Set("embeddings", to_js(env, calibration.embeddings));
        result.Set("layers", layers);
        return result;
      });
}

Napi::Value layer_effects_off_thread(const Napi::CallbackInfo& info,
                                     std::shared_ptr<Engine> engine) {
  return PromiseWorker<std::vector<double>>::run(
      info.Env(),
      [engine, run = parse(info), layers = parse_smoothings(read_array(info[1], "layers"))] {
        return calibrator_of(*engine).layer_effects(run->options, run->images(), layers);
      },
      [](Napi::Env env, std::vector<double>&& effects) -> Napi::Value {
        auto array = Napi::Array::New(env, effects.size());
        for (uint32_t i = 0; i < array.Length(); ++i) {
          array.Set(i, Napi::Number::New(env, effects[i]));
        }
        return array;
      });
}

Napi::Value embed_off_thread(const Napi::CallbackInfo& info, std::shared_ptr<Engine> engine) {
  return PromiseWorker<std::vector<float>>::run(
      info.Env(),
      [engine,
       run = std::make_shared<const FileRun>(parse_file_run(read_object(info[0], "spec")))] {
        // Runs on a thread of its own, because the number of threads that a session sets stays set
        // for the calling thread.
        return on_own_thread([&] { return embed(*engine, *run); });
      },
      [](Napi::Env env, std::vector<float>&& all) -> Napi::Value { return to_js(env, all); });
}

}  // namespace llm2clip::binding
