#include "engine/tensorrt/plan.h"

#include <algorithm>
#include <optional>

#include "base/output_file.h"
#include "engine/tensorrt/flavour.h"
#include "engine/tensorrt/log.h"

namespace llm2clip::tensorrt {
namespace {

// Kernels are tuned for this batch, that of a server under load, where all that may come must run.
constexpr int64_t kTunedBatch = 8;
// And for texts of so many tokens, a caption's and its prompt's.
constexpr int64_t kTunedTokens = 64;

// Takes a plan as it comes: no second copy of its weights is ever in memory.
class PlanWriter final : public nvinfer1::IStreamWriter {
 public:
  explicit PlanWriter(const std::string& path) : file_(path) {}

  // What is thrown here must not pass through the library.
  int64_t write(const void* data, int64_t size) noexcept override {
    try {
      file_.write({static_cast<const std::byte*>(data), static_cast<size_t>(size)});
      return size;
    } catch (const Error& error) {
      failure_ = error;
      return 0;
    }
  }

  void require_success() const {
    if (failure_) throw Error(*failure_);
  }

 private:
  OutputFile file_;
  std::optional<Error> failure_;
};

// Batches of 1 to max_batch; of texts, 1 to so many tokens. Each input begins with the batch, and
// where texts are rows of tokens those follow.
void add_profile(nvinfer1::IBuilder& builder, nvinfer1::INetworkDefinition& network,
                 nvinfer1::IBuilderConfig& config, const BuildOptions& options) {
  using nvinfer1::OptProfileSelector;
  nvinfer1::IOptimizationProfile& profile =
      require(builder.createOptimizationProfile(), ErrorCode::kInternal, "cannot make a profile");
  const int64_t max_batch = options.max_batch, max_tokens = options.input.most_tokens();
  for (int32_t i = 0; i < network.getNbInputs(); ++i) {
    const nvinfer1::ITensor& input = *network.getInput(i);
    const auto allow = [&](OptProfileSelector selector, int64_t batch, int64_t tokens) {
      nvinfer1::Dims dims = input.getDimensions();
      dims.d[0] = batch;
      if (dims.d[1] < 0) dims.d[1] = tokens;
      profile.setDimensions(input.getName(), selector, dims);
    };
    allow(OptProfileSelector::kMIN, 1, 1);
    allow(OptProfileSelector::kOPT, std::min(kTunedBatch, max_batch),
          std::min(kTunedTokens, max_tokens));
    allow(OptProfileSelector::kMAX, max_batch, max_tokens);
  }
  if (config.addOptimizationProfile(&profile) < 0) {
    Log::get().fail(ErrorCode::kInternal, "cannot add a profile");
  }
}

}  // namespace

void write_plan(nvinfer1::IBuilder& builder, nvinfer1::INetworkDefinition& network,
                const BuildOptions& options, const std::string& path) {
  Log::get().clear();
  const std::unique_ptr<nvinfer1::IBuilderConfig> config(builder.createBuilderConfig());
  require(config.get(), ErrorCode::kInternal, "cannot configure a build");
  // fp32 means fp32: not with the ten bits of TF32.
  config->clearFlag(nvinfer1::BuilderFlag::kTF32);
  config->setProfilingVerbosity(nvinfer1::ProfilingVerbosity::kDETAILED);
  set_compute_capabilities(*config, options.compute_capabilities);
  add_profile(builder, network, *config, options);
  const BuildCache cache(*config, read_cache(options.cache));
  PlanWriter writer(path);
  const bool built = builder.buildSerializedNetworkToStream(network, *config, writer);
  writer.require_success();
  if (!built) {
    Log::get().fail(ErrorCode::kEngineIncompatible,
                    std::string(kFlavour.name) + " cannot build this engine");
  }
  const std::vector<std::byte> measured = cache.bytes();
  if (!options.cache.empty() && !measured.empty()) write_cache(options.cache, measured);
}

}  // namespace llm2clip::tensorrt
