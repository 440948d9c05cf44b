// The engine in this shared library; see engine/plugin.h for how it is opened.
#include <torch/version.h>

#include "engine/engine.h"
#include "engine/torchscript/build/torchscript_builder.h"
#include "engine/torchscript/session/torchscript_session.h"
#include "engine/torchscript/tools/inspection.h"
#include "engine/torchscript/tools/torchscript_tools.h"

namespace llm2clip {
namespace {

class TorchscriptProfiler final : public Profiler {
 public:
  std::vector<OperatorTime> profile(const SessionOptions& options, const BatchView& batch,
                                    int64_t rounds) override {
    return torchscript_profile(options, batch, rounds);
  }
};

class TorchscriptLinearRate final : public LinearRate {
 public:
  double gflops(const LinearSpec& spec) override { return torchscript_linear_gflops(spec); }
};

class TorchscriptEngine final : public Engine {
 public:
  std::string version() const override { return TORCH_VERSION; }
  std::unique_ptr<Builder> builder(const BuildOptions& options) override {
    return options.portable ? portable_builder(options.precision) : native_builder(options);
  }
  std::unique_ptr<Session> open(const SessionOptions& options) override {
    return open_torchscript_session(options);
  }
  Inspection inspect(const SessionOptions& options) override {
    return torchscript_inspect(options);
  }
  Profiler* profiler() override { return &profiler_; }
  LinearRate* linear_rate() override { return &linear_rate_; }

 private:
  TorchscriptProfiler profiler_;
  TorchscriptLinearRate linear_rate_;
};

}  // namespace
}  // namespace llm2clip

// For kOnlyOneSymbol: libtorch can hold only one set of operators with the same names.
extern "C" __attribute__((visibility("default"))) const char llm2clip_only_one = 1;

extern "C" __attribute__((visibility("default"))) const llm2clip::Plugin llm2clip_plugin{
    llm2clip::kPluginInterfaceVersion, []() -> std::unique_ptr<llm2clip::Engine> {
      return std::make_unique<llm2clip::TorchscriptEngine>();
    }};
