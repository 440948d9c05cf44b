// The plugin of this shared library. engine/plugin.h describes how it is opened.
#include "engine/engine.h"
#include "engine/tensorrt/tensorrt_builder.h"
#include "engine/tensorrt/tensorrt_session.h"
#include "engine/tensorrt/vendor.h"

namespace llm2clip::tensorrt {
namespace {

class TensorrtEngine final : public Engine {
 public:
  std::string version() const override { return library_version(); }
  std::unique_ptr<Builder> builder(const BuildOptions& options) override {
    return tensorrt_builder(options);
  }
  std::unique_ptr<Session> open(const SessionOptions& options) override {
    return open_tensorrt_session(options);
  }
  // A plan shows the types of its inputs and outputs, not those that it computes in.
  Inspection inspect(const SessionOptions& options) override { return {inspect_plan(options), ""}; }
};

}  // namespace
}  // namespace llm2clip::tensorrt

extern "C" __attribute__((visibility("default"))) const llm2clip::Plugin llm2clip_plugin{
    llm2clip::kPluginInterfaceVersion, []() -> std::unique_ptr<llm2clip::Engine> {
      return std::make_unique<llm2clip::tensorrt::TensorrtEngine>();
    }};
