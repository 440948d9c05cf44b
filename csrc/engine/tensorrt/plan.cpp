#include "engine/tensorrt/plan.h"

#include <algorithm>
#include <optional>

#include "base/output_file.h"
#include "engine/tensorrt/flavour.h"
#include "engine/tensorrt/log.h"

namespace llm2clip::tensorrt {
namespace {

// The batch size that kernels are tuned for: that of a server under load. All batch sizes must run,
// though.
constexpr int64_t kTunedBatch = 8;
// The number of tokens that kernels are tuned for: a caption and its prompt.
constexpr int64_t kTunedTokens = 64;

// Writes a plan while the library produces it, so that memory never holds a second copy of the
// weights.
class PlanWriter final : public nvinfer1::IStreamWriter {
 public:
  explicit PlanWriter(const std::string& path) : file_(path) {}

  // An exception must not pass through the library.
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

// Allows batches of 1 to max_batch, and texts of 1 to the longest length. The first dimension of
// each input is the batch. For texts, the second is the tokens.
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
  // fp32 means full fp32, not TF32 with its ten bits.
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
