#include <algorithm>
#include <array>

#include "engine/tensorrt/flavour.h"
#include "engine/tensorrt/log.h"

namespace llm2clip::tensorrt {
namespace {

using nvinfer1::ComputeCapability;

constexpr std::array kKnown{ComputeCapability::kSM75,  ComputeCapability::kSM80,
                            ComputeCapability::kSM86,  ComputeCapability::kSM89,
                            ComputeCapability::kSM120, ComputeCapability::kSM121};

ComputeCapability known(int wanted) {
  const auto found =
      std::find(kKnown.begin(), kKnown.end(), static_cast<ComputeCapability>(wanted));
  if (found != kKnown.end()) return *found;
  std::string list;
  for (const ComputeCapability each : kKnown) {
    const int number = static_cast<int>(each);
    list += (list.empty() ? "" : ", ") + std::to_string(number / 10) + "." +
            std::to_string(number % 10);
  }
  throw Error(
      ErrorCode::kEngineIncompatible,
      "expected compute capabilities of " + list + ", found " + std::to_string(wanted / 10) + "." +
          std::to_string(wanted % 10) +
          "; build for any other on a machine that has it, with --compute-capability current");
}

}  // namespace

const Flavour kFlavour{"TensorRT for RTX", "libtensorrt_rtx.so.1", "tensorrt-rtx"};

void set_compute_capabilities(nvinfer1::IBuilderConfig& config, const std::vector<int>& wanted) {
  std::vector<ComputeCapability> chosen;
  for (const int each : wanted) chosen.push_back(known(each));
  if (chosen.empty()) chosen.push_back(ComputeCapability::kCURRENT);
  bool taken = config.setNbComputeCapabilities(static_cast<int32_t>(chosen.size()));
  for (size_t i = 0; i < chosen.size(); ++i) {
    taken = taken && config.setComputeCapability(chosen[i], static_cast<int32_t>(i));
  }
  if (!taken) {
    Log::get().fail(ErrorCode::kEngineIncompatible, "cannot build for these compute capabilities");
  }
}

void require_plan(nvinfer1::IRuntime& runtime, std::span<const std::byte> plan) {
  using nvinfer1::EngineInvalidityDiagnostics;
  const auto size = static_cast<int64_t>(plan.size());
  uint64_t reasons = 0;  // stays 0 when the library finds no GPU to compare with
  if (size < runtime.getEngineHeaderSize()) {
    reasons = static_cast<uint64_t>(EngineInvalidityDiagnostics::kMALFORMED_ENGINE);
  } else {
    runtime.getEngineValidity(plan.data(), size, &reasons);
  }
  const auto is = [reasons](EngineInvalidityDiagnostics reason) {
    return (reasons & static_cast<uint64_t>(reason)) != 0;
  };
  if (is(EngineInvalidityDiagnostics::kMALFORMED_ENGINE)) {
    throw Error(ErrorCode::kEngineIncompatible, "expected a plan of TensorRT for RTX, found none");
  }
  if (is(EngineInvalidityDiagnostics::kVERSION_MISMATCH)) {
    throw Error(ErrorCode::kEngineIncompatible,
                "expected a plan of this TensorRT for RTX, found one of another version");
  }
}

// Kernels are compiled when the engine runs, so a build measures nothing.
struct BuildCache::Content {};
BuildCache::BuildCache(nvinfer1::IBuilderConfig&, std::span<const std::byte>) {}
BuildCache::~BuildCache() = default;
std::vector<std::byte> BuildCache::bytes() const { return {}; }

struct Context::Content {
  std::unique_ptr<nvinfer1::IRuntimeConfig> config;
  std::unique_ptr<nvinfer1::IRuntimeCache> cache;
  std::unique_ptr<nvinfer1::IExecutionContext> context;
};

Context::Context(nvinfer1::ICudaEngine& engine, std::span<const std::byte> kept)
    : content_(std::make_unique<Content>()) {
  auto& [config, cache, context] = *content_;
  config.reset(engine.createRuntimeConfig());
  if (config) cache.reset(config->createRuntimeCache());
  if (cache) {
    // The library rejects a cache of another machine or version and compiles everything again.
    if (!kept.empty()) cache->deserialize(kept.data(), kept.size());
    config->setRuntimeCache(*cache);
  }
  // A batch is one graph launch. The graph is recorded when a size occurs for the first time.
  if (config) config->setCudaGraphStrategy(nvinfer1::CudaGraphStrategy::kWHOLE_GRAPH_CAPTURE);
  context.reset(config ? engine.createExecutionContext(config.get()) : nullptr);
  require(context.get(), ErrorCode::kOutOfMemory, "cannot make an execution context");
}

Context::~Context() = default;

nvinfer1::IExecutionContext& Context::get() const { return *content_->context; }

std::vector<std::byte> Context::bytes() const {
  if (!content_->cache) return {};
  const std::unique_ptr<nvinfer1::IHostMemory> memory(content_->cache->serialize());
  if (!memory) return {};
  const auto* begin = static_cast<const std::byte*>(memory->data());
  return {begin, begin + memory->size()};
}

}  // namespace llm2clip::tensorrt
