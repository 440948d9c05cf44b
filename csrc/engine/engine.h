#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "batch/batch_memory.h"
#include "batch/batch_view.h"
#include "batch/embeddings.h"
#include "batch/input.h"
#include "engine/offered.h"
#include "model/net.h"

namespace llm2clip {

class Calibrator;
class LinearRate;
class Profiler;

enum class Precision { kFp32, kBf16, kFp16, kInt8 };

// How a linear layer is stored in an int8 engine.
struct LayerQuantisation {
  bool quantised;                // if false, it stays in bf16
  std::vector<float> smoothing;  // [in]: divides its input, multiplies its weight; empty: none
};

struct BuildOptions {
  Precision precision;
  Input input;            // kind and size of the inputs
  bool portable = false;  // use only operations that a stock runtime knows
  bool observe = false;   // show the inputs of linear layers to the engine's Calibrator
  // For int8, by the name of the layer's (first) weight. Other layers are quantised without
  // smoothing.
  std::map<std::string, LayerQuantisation> quantisation = {};
  int64_t max_batch = 1;  // largest batch, if kernels are chosen during the build
  // Compute capabilities to build for, 89 for 8.9. Empty: this machine's GPU.
  std::vector<int> compute_capabilities = {};
  std::string cache = "";  // file of measurements that speeds up the next build; empty: none
};

struct BuildReport {
  int64_t parameters;  // number of weights in the file
  // Compute capabilities that can run it. Empty: it is for the CPU, or for any GPU.
  std::vector<int> compute_capabilities = {};
};

// A Net that can be saved: the operations that are called on it become the engine file.
class Builder : public Net {
 public:
  // embedding: [B, E]. Writes the whole engine to `path`, which must not exist.
  virtual BuildReport save(Value embedding, const std::string& path) = 0;
};

struct SessionOptions {
  std::string path;                            // of the engine file, whose digest has been checked
  std::string device;                          // "cpu" | "cuda" | "cuda:1"
  int threads;                                 // intra-op
  Input input;                                 // kind and size of the inputs of run()
  int64_t max_batch = 1;                       // largest batch of run()
  std::vector<int> compute_capabilities = {};  // that the file was built for; empty: not stated
  std::string cache = "";  // file of compiled code that speeds up the next opening; empty: none
};

struct SessionInfo {
  std::string device;
  std::string precision;  // of the arithmetic, e.g. "fp32" for bf16 weights on an old CPU;
                          // empty: as the file says
  std::vector<std::string> kernels;  // what runs, in words
  bool gives_patches = false;        // whether run_patches() is supported
};

// An engine file that is loaded on a device. It is opened, used and destroyed on one thread.
class Session {
 public:
  virtual ~Session() = default;
  virtual const SessionInfo& info() const = 0;
  // Returns memory for images or features that run() reads fastest. It outlives the session. Throws
  // ERR_OUT_OF_MEMORY.
  virtual std::unique_ptr<BatchMemory> batch_memory(size_t floats) {
    return std::make_unique<PlainBatchMemory>(floats);
  }
  // Returns one vector per input. The inputs must be of the kind that the session was opened for,
  // in memory of batch_memory() or any other. Throws ERR_ENGINE_INCOMPATIBLE if the engine does not
  // return one vector per input, ERR_OUT_OF_MEMORY, and ERR_DEVICE_LOST.
  virtual Embeddings run(const BatchView& batch) = 0;
  // Returns the output of a layer for each patch of each image, [batch, patches · dim], row by row
  // of the grid. Layer 0 is the patch embedding, k is the k-th block. Without a layer, patches are
  // in the space of the embeddings. Throws ERR_ENGINE_INCOMPATIBLE if info() does not offer it.
  virtual Embeddings run_patches(const Images& /*images*/, std::optional<int64_t> /*layer*/) {
    throw not_offered("patches");
  }
};

// What an engine file that was made elsewhere shows about itself.
struct Inspection {
  int64_t embedding_dim;
  std::string precision;  // the coarsest of its matrix products; empty: not shown
};

// What every engine offers; it knows no torch, no TensorRT and no model. Tools that only some
// engines offer are separate interfaces. They live as long as the engine; nullptr means that the
// engine has no such tool.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string version() const = 0;  // of the vendor's library
  virtual std::unique_ptr<Builder> builder(const BuildOptions& options) = 0;
  virtual std::unique_ptr<Session> open(const SessionOptions& options) = 0;
  // Inspects a file that was made elsewhere. Throws ERR_ENGINE_INCOMPATIBLE if it does not take
  // images and return embeddings. The default runs a blank image.
  virtual Inspection inspect(const SessionOptions& options) {
    const int64_t size = options.input.numbers();
    const std::vector<float> blank(static_cast<size_t>(size));
    const auto session = open(options);
    const int64_t dim = session->run(Images{blank.data(), 1, size}).dim;
    return {dim, session->info().precision};
  }

  virtual Calibrator* calibrator() { return nullptr; }
  virtual Profiler* profiler() { return nullptr; }
  virtual LinearRate* linear_rate() { return nullptr; }
};

// The export of a plugin under kPluginSymbol. `interface_version` must stay the first member.
struct Plugin {
  int interface_version;
  std::unique_ptr<Engine> (*create)();
};

inline constexpr int kPluginInterfaceVersion = 11;
inline constexpr const char* kPluginSymbol = "llm2clip_plugin";

}  // namespace llm2clip
