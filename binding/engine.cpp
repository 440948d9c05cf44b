#include "engine.h"

#include <map>

#include "arguments.h"
#include "calibration.h"
#include "engine/cpu/cpu_engine.h"
#include "engine/plugin.h"
#include "engine/profiler.h"
#include "function.h"
#include "promise_worker.h"
#include "session.h"
#include "specs.h"

namespace llm2clip::binding {
namespace {

constexpr int64_t kMostRounds = 1'000'000;

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
  if (spec.options.observe) require_offered(engine.calibrator(), "calibration for int8");
  Weights weights = open_weights(spec);
  const auto builder = engine.builder(spec.options);
  return builder->save(tower(*builder, weights, spec.config), spec.output);
}

Napi::Value build_off_thread(const Napi::CallbackInfo& info, std::shared_ptr<Engine> engine) {
  auto spec = std::make_shared<BuildSpec>(parse_build_spec(read_object(info[0], "spec")));
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
  const int64_t image_size = read_integer(info[1], "imageSize", 1, kMostEdge);
  const SessionOptions options{.path = read_string(info[0], "file"),
                               .device = read_string(info[2], "device"),
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
  const LinearSpec spec = parse_linear_spec(read_object(info[0], "spec"));
  return PromiseWorker<double>::run(
      info.Env(),
      [engine, spec] {
        return require_offered(engine->linear_rate(), "the rate of its linear layers").gflops(spec);
      },
      [](Napi::Env env, double&& gflops) -> Napi::Value { return Napi::Number::New(env, gflops); });
}

Napi::Value profile_off_thread(const Napi::CallbackInfo& info, std::shared_ptr<Engine> engine) {
  auto run = std::make_shared<const FileRun>(parse_file_run(read_object(info[0], "spec")));
  const int64_t rounds = read_integer(info[1], "rounds", 1, kMostRounds);
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
  using Info = Napi::CallbackInfo;
  auto object = Napi::Object::New(env);
  const auto set = [&](const char* name,
                       Napi::Value (*body)(const Info&, std::shared_ptr<Engine>)) {
    set_function(object, name, [engine, body](const Info& info) { return body(info, engine); });
  };
  object.Set("version", Napi::String::New(env, engine->version()));
  set("build", build_off_thread);
  set("open", open_session);
  set("inspect", inspect_off_thread);
  set("calibrate", calibrate_off_thread);
  set("layerEffects", layer_effects_off_thread);
  set("embed", embed_off_thread);
  set("profile", profile_off_thread);
  set("linearGflops", linear_gflops_off_thread);
  return object;
}

}  // namespace

Napi::Value open_engine(const Napi::CallbackInfo& info) {
  const std::string plugin = read_string(info[0], "plugin");
  const std::vector<std::string> libraries =
      read_all(read_array(info[1], "libraries"),
               [](const Napi::Value& library) { return read_string(library, "libraries"); });
  return PromiseWorker<std::shared_ptr<Engine>>::run(
      info.Env(), [plugin, libraries] { return open_plugin(plugin, libraries); },
      [](Napi::Env env, std::shared_ptr<Engine>&& engine) { return wrap(env, engine); });
}

Napi::Value wrap_cpu_engine(const Napi::CallbackInfo& info) {
  return wrap(info.Env(), cpu_engine());
}

}  // namespace llm2clip::binding
