#pragma once

#include <NvInfer.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace llm2clip::tensorrt {

// The differences between TensorRT and TensorRT for RTX. Each build of the plugin compiles either
// flavour_tensorrt.cpp or flavour_rtx.cpp.
struct Flavour {
  const char* name;     // "TensorRT for RTX"
  const char* library;  // its name for the loader: "libtensorrt_rtx.so.1"
  const char* kind;     // its name in lib/: "tensorrt-rtx"
};
extern const Flavour kFlavour;

// Sets the GPUs to build for, for example 89 for compute capability 8.9. If `wanted` is empty, the
// engine is for this machine's GPU. Throws ERR_ENGINE_INCOMPATIBLE for a capability that the
// library does not support.
void set_compute_capabilities(nvinfer1::IBuilderConfig& config, const std::vector<int>& wanted);

// Throws ERR_ENGINE_INCOMPATIBLE for bytes that are not a plan, as far as that can be checked
// without a GPU.
void require_plan(nvinfer1::IRuntime& runtime, std::span<const std::byte> plan);

// Measurements of kernels. A file keeps them, and later builds can reuse them. Empty when the
// library measures nothing.
class BuildCache {
 public:
  BuildCache(nvinfer1::IBuilderConfig& config, std::span<const std::byte> kept);
  ~BuildCache();
  std::vector<std::byte> bytes() const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

// An engine's execution context. `kept` contains kernels that the library compiled on this machine
// earlier; it reuses those that fit. bytes() returns the current ones.
class Context {
 public:
  Context(nvinfer1::ICudaEngine& engine, std::span<const std::byte> kept);
  ~Context();
  nvinfer1::IExecutionContext& get() const;
  std::vector<std::byte> bytes() const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace llm2clip::tensorrt
