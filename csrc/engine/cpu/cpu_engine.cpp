#include "engine/cpu/cpu_engine.h"

#include "engine/cpu/cpu_builder.h"
#include "engine/cpu/cpu_session.h"
#include "engine/cpu/tools/cpu_tools.h"

namespace llm2clip {
namespace {

class CpuCalibrator final : public Calibrator {
 public:
  Calibration calibrate(const SessionOptions& options, const Images& images) override {
    return cpu::calibrate(options, images);
  }
  std::vector<double> layer_effects(const SessionOptions& options, const Images& images,
                                    const std::vector<LayerSmoothing>& layers) override {
    return cpu::layer_effects(options, images, layers);
  }
};

class CpuProfiler final : public Profiler {
 public:
  std::vector<OperatorTime> profile(const SessionOptions& options, const BatchView& batch,
                                    int64_t rounds) override {
    return cpu::profile(options, batch, rounds);
  }
};

class CpuLinearRate final : public LinearRate {
 public:
  double gflops(const LinearSpec& spec) override { return cpu::linear_gflops(spec); }
};

class CpuEngine final : public Engine {
 public:
  // There is no vendor's library; the version of the file format is in the file.
  std::string version() const override { return "1"; }
  std::unique_ptr<Builder> builder(const BuildOptions& options) override {
    return cpu::cpu_builder(options);
  }
  std::unique_ptr<Session> open(const SessionOptions& options) override {
    return cpu::open_cpu_session(options);
  }
  Calibrator* calibrator() override { return &calibrator_; }
  Profiler* profiler() override { return &profiler_; }
  LinearRate* linear_rate() override { return &linear_rate_; }

 private:
  CpuCalibrator calibrator_;
  CpuProfiler profiler_;
  CpuLinearRate linear_rate_;
};

}  // namespace

std::shared_ptr<Engine> cpu_engine() { return std::make_shared<CpuEngine>(); }

}  // namespace llm2clip
