#include "engine/tensorrt/tensorrt_builder.h"

#include "engine/tensorrt/device.h"
#include "engine/tensorrt/plan.h"
#include "engine/tensorrt/tensorrt_net.h"
#include "engine/tensorrt/vendor.h"

namespace llm2clip::tensorrt {
namespace {

class TensorrtBuilder final : public TensorrtNet {
 public:
  explicit TensorrtBuilder(const BuildOptions& options)
      : TensorrtNet(create_builder(), options.precision, options.input.shape), options_(options) {}

  BuildReport save(Value embedding, const std::string& path) override {
    write_plan(builder(), finish(embedding), options_, path);
    return {parameters(), build_targets(options_)};
  }

 private:
  BuildOptions options_;
};

}  // namespace

std::unique_ptr<Builder> tensorrt_builder(const BuildOptions& options) {
  build_targets(options);  // reports a missing GPU before any other work
  return std::make_unique<TensorrtBuilder>(options);
}

}  // namespace llm2clip::tensorrt
