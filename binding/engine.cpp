#include "engine.h"

#include <map>

#include "calibration.h"
#include "engine/plugin.h"
#include "engine/profiler.h"
#include "promise_worker.h"
#include "session.h"
#include "specs.h"

namespace llm2clip::binding {
namespace {

Weights open_weights(const BuildSpec& spec) {
  std::map<std::string, std::shared_ptr<const File>> files;
  Weights weights;
  for (const auto& [name, place] : spec.weights) {
    auto& file = files[place.first];
    if (!file) file = std::make_shared<const File>(place.first);
    weights.add(name, std::make_shared<FileTensor>(file, place.second));
  }
  return weights;
}

BuildReport build(Engine& engine, const BuildSpec& spec) {
  Weights weights = open_weights(spec);
  const auto builder = engine.builder(spec.options);
  return builder->save(tower(*builder, weights, spec.config), spec.output);
}

Napi::Value build_off_thread(const Napi::CallbackInfo& info, std::shared_ptr<Engine> engine) {
  auto spec = std::make_shared<BuildSpec>(parse_build_spec(info[0].As<Napi::Object>()));
  return PromiseWorker<BuildReport>::run(
      info.Env(), [engine, spec] { return build(*engine, *spec); },
      [](Napi::Env env, BuildReport&& report) -> Napi::Value {
        auto result = Napi::Object::New(env);
        result.Set("parameters", Napi::Number::New(env, static_cast<double>(report.parameters)));
        auto capabilities = Napi::Array::New(env);
        for (const int capability : report.compute_capabilities) {
          capabilities.Set(capabilities.Length(), Napi::Number::New(env, capability));
        }
        result.Set("computeCapabilities", capabilities);
        return result;
      });
}

Napi::Value inspect_off_thread(const Napi::CallbackInfo& info, std::shared_ptr<Engine> engine) {
  const int64_t image_size = info[1].As<Napi::Number>().Int64Value();
  const SessionOptions options{.path = info[0].As<Napi::String>().Utf8Value(),
                               .device = info[2].As<Napi::String>().Utf8Value(),
                               .threads = 1,
                               .input = images_of(image_size)};
  return PromiseWorker<Inspection>::run(
      info.Env(), [engine, options] { return engine->inspect(options); },
      [](Napi::Env env, Inspection&& found) -> Napi::Value {
        auto result = Napi::Object::New(env);
        const auto dim = static_cast<double>(found.embedding_dim);
        result.Set("embeddingDim", Napi::Number::New(env, dim));
        result.Set("precision", Napi::String::New(env, found.precision));
        return result;
      });
}

Napi::Value linear_gflops_off_thread(const Napi::CallbackInfo& info,
                                     std::shared_ptr<Engine> engine) {
  const LinearSpec spec = parse_linear_spec(info[0].As<Napi::Object>());
  return PromiseWorker<double>::run(
      info.Env(),
      [engine, spec] {
        return require_offered(engine->linear_rate(), "the rate of its linear layers").gflops(spec);
      },
      [](Napi::Env env, double&& gflops) -> Napi::Value { return Napi::Number::New(env, gflops); });
}

Napi::Value profile_off_thread(const Napi::CallbackInfo& info, std::shared_ptr<Engine> engine) {
  auto run = std::make_shared<const FileRun>(parse_file_run(info[0].As<Napi::Object>()));
  const int64_t rounds = info[1].As<Napi::Number>().Int64Value();
  return PromiseWorker<std::vector<OperatorTime>>::run(
      info.Env(),
      [engine, run, rounds] {
        return require_offered(engine->profiler(), "a profile by operator")
            .profile(run->options, run->batch(), rounds);
      },
      [](Napi::Env env, std::vector<OperatorTime>&& times) -> Napi::Value {
        auto result = Napi::Array::New(env, times.size());
        for (uint32_t i = 0; i < times.size(); ++i) {
          auto shape = Napi::Array::New(env);
          for (const int64_t size : times[i].shape) {
            shape.Set(shape.Length(), Napi::Number::New(env, static_cast<double>(size)));
          }
          auto time = Napi::Object::New(env);
          time.Set("name", Napi::String::New(env, times[i].name));
          time.Set("shape", shape);
          time.Set("calls", Napi::Number::New(env, static_cast<double>(times[i].calls)));
          time.Set("seconds", Napi::Number::New(env, times[i].seconds));
          result.Set(i, time);
        }
        return result;
      });
}

Napi::Value wrap(Napi::Env env, const std::shared_ptr<Engine>& engine) {
  auto object = Napi::Object::New(env);
  object.Set("version", Napi::String::New(env, engine->version()));
  object.Set("build", Napi::Function::New(env, [engine](const Napi::CallbackInfo& info) {
               return build_off_thread(info, engine);
             }));
  object.Set("open", Napi::Function::New(env, [engine](const Napi::CallbackInfo& info) {
               return open_session(info, engine);
             }));
  object.Set("inspect", Napi::Function::New(env, [engine](const Napi::CallbackInfo& info) {
               return inspect_off_thread(info, engine);
             }));
  object.Set("calibrate", Napi::Function::New(env, [engine](const Napi::CallbackInfo& info) {
               return calibrate_off_thread(info, engine);
             }));
  object.Set("layerEffects", Napi::Function::New(env, [engine](const Napi::CallbackInfo& info) {
               return layer_effects_off_thread(info, engine);
             }));
  object.Set("embed", Napi::Function::New(env, [engine](const Napi::CallbackInfo& info) {
               return embed_off_thread(info, engine);
             }));
  object.Set("profile", Napi::Function::New(env, [engine](const Napi::CallbackInfo& info) {
               return profile_off_thread(info, engine);
             }));
  object.Set("linearGflops", Napi::Function::New(env, [engine](const Napi::CallbackInfo& info) {
               return linear_gflops_off_thread(info, engine);
             }));
  return object;
}

}  // namespace

Napi::Value open_engine(const Napi::CallbackInfo& info) {
  const std::string plugin = info[0].As<Napi::String>().Utf8Value();
  const auto list = info[1].As<Napi::Array>();
  std::vector<std::string> libraries;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    libraries.push_back(list.Get(i).As<Napi::String>().Utf8Value());
  }
  return PromiseWorker<std::shared_ptr<Engine>>::run(
      info.Env(), [plugin, libraries] { return open_plugin(plugin, libraries); },
      [](Napi::Env env, std::shared_ptr<Engine>&& engine) { return wrap(env, engine); });
}

}  // namespace llm2clip::binding
