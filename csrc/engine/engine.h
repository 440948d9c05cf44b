#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/shape.h"
#include "model/net.h"
#include "serving/batch_memory.h"

namespace llm2clip {

enum class Precision { kFp32, kBf16, kFp16, kInt8 };

// How a linear is kept in an int8 engine.
struct LayerQuantisation {
  bool quantised;                // else it stays in bf16
  std::vector<float> smoothing;  // [in]: divides its input, multiplies its weight; empty: none
};

struct BuildOptions {
  Precision precision;
  Shape input;            // one of a batch, as in SessionOptions
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
  std::string path;    // of the engine file, its digest already checked
  std::string device;  // "cpu" | "cuda" | "cuda:1"
  int threads;         // intra-op
  Shape input;  // one of a batch: [3, S, S] pixels, [D] of a language model's feature, or the
                // room of a text, see text_slot.h
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

struct Embeddings {
  const float* data;  // [batch, dim]
  int64_t batch, dim;
  std::shared_ptr<const void> owner;  // of data
};

// An engine loaded on a device. Opened, run and destroyed on one thread.
class Session {
 public:
  virtual ~Session() = default;
  virtual const SessionInfo& info() const = 0;
  // Memory of inputs that run() reads fastest; it outlives the session. Throws ERR_OUT_OF_MEMORY.
  virtual std::unique_ptr<BatchMemory> batch_memory(size_t floats) {
    return std::make_unique<PlainBatchMemory>(floats);
  }
  // inputs: [batch, one input] f32, host, of batch_memory() or any other. Throws
  // ERR_ENGINE_INCOMPATIBLE when the engine does not answer with one vector an input,
  // ERR_OUT_OF_MEMORY, ERR_DEVICE_LOST.
  virtual Embeddings run(const float* inputs, int64_t batch) = 0;
  // The same of what leaves a layer for each patch, 0 being the embedding of the patches and k the
  // k-th block; without one, of each patch in the space of the embeddings: [batch, patches · dim],
  // row by row of the grid. Throws ERR_ENGINE_INCOMPATIBLE where info() does not offer it.
  virtual Embeddings run_patches(const float* /*inputs*/, int64_t /*batch*/,
                                 std::optional<int64_t> /*layer*/) {
    throw Error(ErrorCode::kEngineIncompatible,
                "expected an engine that gives patches, found one that does not");
  }
};

// What an engine file that was made elsewhere shows of itself.
struct Inspection {
  int64_t embedding_dim;
  std::string precision;  // the coarsest that it multiplies matrices in; empty: it does not show it
};

// A linear layer x [rows, in] · [in, out], to be timed.
struct LinearSpec {
  int64_t rows, in, out;
  Precision precision;
  int threads;
  double seconds;  // how long to go on repeating it
};

// How a linear fares in int8.
struct LayerCalibration {
  std::string name;              // of its (first) weight
  double cosine;                 // of its outputs in int8 to those in fp32
  std::vector<float> smoothing;  // the best that was found for it; empty: none helps
};

// What is made of a linear's input and weight before both are rounded.
struct LayerSmoothing {
  std::string name;              // of its (first) weight
  std::vector<float> smoothing;  // [in]; empty: none
};

struct Calibration {
  std::vector<float> embeddings;  // [count, dim], in fp32
  std::vector<LayerCalibration> layers;
};

// How long one kind of operator took, of all that one run calls.
struct OperatorTime {
  std::string name;            // "llm2clip::linear"; "all" for whole runs
  std::vector<int64_t> shape;  // of its first input; of a linear, its outputs too
  int64_t calls;
  double seconds;  // of all calls
};

// What an engine can do: no torch, no TensorRT and no model in it. Those that are not pure are
// optional: without them the engine says that it does not offer this (ERR_ENGINE_INCOMPATIBLE).
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string version() const = 0;  // of the vendor's library
  virtual std::unique_ptr<Builder> builder(const BuildOptions& options) = 0;
  virtual std::unique_ptr<Session> open(const SessionOptions& options) = 0;
  // Of a file made elsewhere. Throws ERR_ENGINE_INCOMPATIBLE for one that does not take images and
  // give embeddings. Runs a blank image unless an engine knows better.
  virtual Inspection inspect(const SessionOptions& options) {
    const auto size = static_cast<size_t>(element_count(options.input));
    const auto session = open(options);
    const int64_t dim = session->run(std::vector<float>(size).data(), 1).dim;
    return {dim, session->info().precision};
  }
  // Runs pictures [count, 3, S, S] through an fp32 engine that was built to observe. Blocks the
  // calling thread. Throws ERR_ENGINE_INCOMPATIBLE for a file that does not observe.
  virtual Calibration calibrate(const SessionOptions&, const float* /*pixels*/, int64_t /*count*/) {
    refuse("calibration for int8");
  }
  // What each of these linears does to the embeddings when it alone is in int8: of each the least
  // cosine to the embedding in fp32, NaN where there is one. Of the file that calibrate() takes;
  // the pictures run as one batch, once and once more a layer. Blocks the calling thread. Throws
  // ERR_ENGINE_INCOMPATIBLE for a file that does not observe them.
  virtual std::vector<double> layer_effects(const SessionOptions&, const float* /*pixels*/,
                                            int64_t /*count*/, const std::vector<LayerSmoothing>&) {
    refuse("calibration for int8");
  }
  // Runs a batch some times and says what its time went to. Blocks the calling thread.
  virtual std::vector<OperatorTime> profile(const SessionOptions&, const float* /*pixels*/,
                                            int64_t /*batch*/, int64_t /*rounds*/) {
    refuse("a profile by operator");
  }
  // 10⁹ operations a second of the fastest repetition, as the engine's sessions compute it: what
  // this machine's matrix units give on a model's own shapes. Blocks the calling thread.
  virtual double linear_gflops(const LinearSpec&) { refuse("the rate of its linear layers"); }

 private:
  [[noreturn]] static void refuse(const char* what) {
    throw Error(ErrorCode::kEngineIncompatible, std::string("expected an engine that offers ") +
                                                    what + ", found one that does not");
  }
};

// What a plugin exports under kPluginSymbol. `interface_version` comes first and stays first.
struct Plugin {
  int interface_version;
  std::unique_ptr<Engine> (*create)();
};

inline constexpr int kPluginInterfaceVersion = 10;
inline constexpr const char* kPluginSymbol = "llm2clip_plugin";

}  // namespace llm2clip
