#pragma once

#include <NvInfer.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace llm2clip::tensorrt {

// What TensorRT and TensorRT for RTX do not share; each build of the plugin compiles one of
// flavour_tensorrt.cpp and flavour_rtx.cpp.
struct Flavour {
  const char* name;     // "TensorRT for RTX"
  const char* library;  // as the loader knows it: "libtensorrt_rtx.so.1"
  const char* kind;     // as lib knows it: "tensorrt-rtx"
};
extern const Flavour kFlavour;

// Says for which GPUs to build, as 89 for compute capability 8.9; none: for this machine's. Throws
// ERR_ENGINE_INCOMPATIBLE for one that the library does not know.
void set_compute_capabilities(nvinfer1::IBuilderConfig& config, const std::vector<int>& wanted);

// Throws ERR_ENGINE_INCOMPATIBLE for bytes that are no plan, as far as that is seen without a GPU.
void require_plan(nvinfer1::IRuntime& runtime, std::span<const std::byte> plan);

// Measurements of kernels that a build may take over from an earlier one, kept in a file; empty
// where the library makes none.
class BuildCache {
 public:
  BuildCache(nvinfer1::IBuilderConfig& config, std::span<const std::byte> kept);
  ~BuildCache();
  std::vector<std::byte> bytes() const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

// An engine's execution context. What the library compiles for it on this machine is taken from
// `kept` where it fits, and given by bytes() afterwards.
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
