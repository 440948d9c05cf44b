#include "engine/tensorrt/flavour.h"
#include "engine/tensorrt/log.h"

namespace llm2clip::tensorrt {

const Flavour kFlavour{"TensorRT", "libnvinfer.so.11", "tensorrt"};

// TensorRT measures kernels on the GPU that it builds for, so it builds only for this machine's.
void set_compute_capabilities(nvinfer1::IBuilderConfig&, const std::vector<int>& wanted) {
  if (wanted.empty()) return;
  throw Error(
      ErrorCode::kEngineIncompatible,
      "expected no compute capability for a tensorrt engine, which is built on and for this "
      "machine's GPU; --engine tensorrt-rtx builds for others");
}

// TensorRT's runtime cannot check a plan without opening it.
void require_plan(nvinfer1::IRuntime&, std::span<const std::byte>) {}

struct BuildCache::Content {
  std::unique_ptr<nvinfer1::ITimingCache> cache;
};

BuildCache::BuildCache(nvinfer1::IBuilderConfig& config, std::span<const std::byte> kept)
    : content_(std::make_unique<Content>()) {
  auto& cache = content_->cache;
  cache.reset(config.createTimingCache(kept.data(), kept.size()));
  // A damaged cache or one of another version is replaced by a new one.
  if (!cache) cache.reset(config.createTimingCache(nullptr, 0));
  if (cache) config.setTimingCache(*cache, /*ignoreMismatch=*/false);
}

BuildCache::~BuildCache() = default;

namespace {

std::vector<std::byte> copy(const nvinfer1::IHostMemory* memory) {
  if (memory == nullptr) return {};
  const auto* begin = static_cast<const std::byte*>(memory->data());
  return {begin, begin + memory->size()};
}

}  // namespace

std::vector<std::byte> BuildCache::bytes() const {
  if (!content_->cache) return {};
  const std::unique_ptr<nvinfer1::IHostMemory> memory(content_->cache->serialize());
  return copy(memory.get());
}

struct Context::Content {
  std::unique_ptr<nvinfer1::IExecutionContext> context;
};

// There is nothing to compile at run time.
Context::Context(nvinfer1::ICudaEngine& engine, std::span<const std::byte>)
    : content_(std::make_unique<Content>()) {
  content_->context.reset(engine.createExecutionContext());
  require(content_->context.get(), ErrorCode::kOutOfMemory, "cannot make an execution context");
}

Context::~Context() = default;
nvinfer1::IExecutionContext& Context::get() const { return *content_->context; }
std::vector<std::byte> Context::bytes() const { return {}; }

}  // namespace llm2clip::tensorrt
