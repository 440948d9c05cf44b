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

// How a linear is kept in an int8 engine.
struct LayerQuantisation {
  bool quantised;                // else it stays in bf16
  std::vector<float> smoothing;  // [in]: divides its input, multiplies its weight; empty: none
};

struct BuildOptions {
  Precision precision;
  Input input;            // one of a batch
  bool portable = false;  // operations that a stock runtime knows, and no others
  bool observe = false;   // keep what passes through the linears, for calibrate()
  // Of int8, by the name of the linear's (first) weight; others are quantised without smoothing.
  std::map<std::string, LayerQuantisation> quantisation = {};
  int64_t max_batch = 1;  // an engine whose kernels are chosen when it is built takes no larger one
  // Of GPUs to build for, 89 for 8.9; none: this machine's.
  std::vector<int> compute_capabilities = {};
  std::string cache = "";  // a file of what building measures, of use to the next one; empty: none
};

struct BuildReport {
  int64_t parameters;  // weights the file holds
  // Of GPUs that run it; none: it is for the CPU, or for any.
  std::vector<int> compute_capabilities = {};
};

// A Net that can be saved: the operations called on it become the engine file.
class Builder : public Net {
 public:
  // embedding: [B, E]. Writes the whole engine to `path`, which must not exist.
  virtual BuildReport save(Value embedding, const std::string& path) = 0;
};

struct SessionOptions {
  std::string path;                            // of the engine file, its digest already checked
  std::string device;                          // "cpu" | "cuda" | "cuda:1"
  int threads;                                 // intra-op
  Input input;                                 // one of a batch; run() gets no other kind
  int64_t max_batch = 1;                       // largest that run() will be given
  std::vector<int> compute_capabilities = {};  // that the file was built for; none: it says nothing
  std::string cache = "";  // a file of what opening compiles, of use to the next one; empty: none
};

struct SessionInfo {
  std::string device;
  std::string precision;             // computed in, e.g. "fp32" for bf16 weights on an old CPU;
                                     // empty: as the file says
  std::vector<std::string> kernels;  // what runs, in words
  bool gives_patches = false;        // run_patches() is there
};

// An engine file loaded on a device. Opened, run and destroyed on one thread.
class Session {
 public:
  virtual ~Session() = default;
  virtual const SessionInfo& info() const = 0;
  // Memory of images, or features, that run() reads fastest; it outlives the session. Throws
  // ERR_OUT_OF_MEMORY.
  virtual std::unique_ptr<BatchMemory> batch_memory(size_t floats) {
    return std::make_unique<PlainBatchMemory>(floats);
  }
  // A vector for each of the inputs, which are of the kind that the session was opened for and lie
  // in memory of batch_memory() or any other. Throws ERR_ENGINE_INCOMPATIBLE when the engine does
  // not answer with one vector an input, ERR_OUT_OF_MEMORY, ERR_DEVICE_LOST.
  virtual Embeddings run(const BatchView& batch) = 0;
  // Of each patch of each image what leaves a layer, 0 being the embedding of the patches and k the
  // k-th block; without one, the patch in the space of the embeddings: [batch, patches · dim], row
  // by row of the grid. Throws ERR_ENGINE_INCOMPATIBLE where info() does not offer it.
  virtual Embeddings run_patches(const Images& /*images*/, std::optional<int64_t> /*layer*/) {
    throw not_offered("patches");
  }
};

// What an engine file that was made elsewhere shows of itself.
struct Inspection {
  int64_t embedding_dim;
  std::string precision;  // the coarsest that it multiplies matrices in; empty: it does not show it
};

// What every engine does, without torch, TensorRT or a model. Tools that only some engines offer
// are interfaces of their own, which live as long as the engine; nullptr means that it has none.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string version() const = 0;  // of the vendor's library
  virtual std::unique_ptr<Builder> builder(const BuildOptions& options) = 0;
  virtual std::unique_ptr<Session> open(const SessionOptions& options) = 0;
  // Of a file made elsewhere. Throws ERR_ENGINE_INCOMPATIBLE for one that does not take images and
  // give embeddings. Runs a blank image unless an engine knows better.
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

// What a plugin exports under kPluginSymbol. `interface_version` comes first and stays first.
struct Plugin {
  int interface_version;
  std::unique_ptr<Engine> (*create)();
};

inline constexpr int kPluginInterfaceVersion = 11;
inline constexpr const char* kPluginSymbol = "llm2clip_plugin";

}  // namespace llm2clip
