// An engine that computes nothing, to test and measure the library around engines. Its file sets
// its behaviour: "<duration of a run in microseconds> <embedding dim> <numbers in all patches, 0
// for no patches>". If a test holds and releases runs, a second line has the path of its gate. A
// third line "held from the opening on" makes the gate hold the opening too.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/linear_rate.h"
#include "fake_gate.h"

namespace llm2clip {
namespace {

// A batch fails if the first number of one of its images is this.
constexpr float kPoison = -666;
// For an image with this first number, the second number of the result is the process's allocated
// heap in KiB.
constexpr float kAskHeap = -777;

float heap_kib() {
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<float>(info.uordblks + info.hblkhd) / 1024;
}

// Of each input: its first number, or how many tokens it has.
std::vector<float> first_numbers(const BatchView& batch) {
  std::vector<float> numbers;
  for (int64_t i = 0; i < count_of(batch); ++i) {
    const BatchView one = some_of(batch, i, 1);
    if (const auto* images = std::get_if<Images>(&one)) {
      numbers.push_back(*images->pixels);
    } else if (const auto* features = std::get_if<Features>(&one)) {
      numbers.push_back(*features->numbers);
    } else {
      numbers.push_back(static_cast<float>(std::get<Texts>(one).longest()));
    }
  }
  return numbers;
}

class FakeSession final : public Session {
 public:
  explicit FakeSession(const SessionOptions& options) {
    if (options.device != "cpu") throw Error(ErrorCode::kDeviceUnavailable, "only cpu");
    std::ifstream file(options.path);
    int64_t microseconds = 0;
    if (!(file >> microseconds >> dim_)) {
      throw Error(ErrorCode::kEngineIncompatible, "expected a duration and a dimension");
    }
    duration_ = std::chrono::microseconds(microseconds);
    file >> patches_dim_ >> std::ws;
    std::string gate;
    if (std::getline(file, gate)) gate_.emplace(gate);
    if (std::string line; std::getline(file, line) && line == "held from the opening on") {
      gate_->pass();
    }
    info_ = {"cpu", "fp32", {"none"}, patches_dim_ > 0};
  }

  const SessionInfo& info() const override { return info_; }

  // Returns [first number, batch, 1, 1, …] for each input. For a text the first number is how many
  // tokens it has.
  Embeddings run(const BatchView& batch) override { return give(batch, dim_); }

  // Returns [first number, batch, layer or -1, 1, …] for each image.
  Embeddings run_patches(const Images& images, std::optional<int64_t> layer) override {
    if (!info_.gives_patches) return Session::run_patches(images, layer);
    return give(images, patches_dim_, static_cast<float>(layer.value_or(-1)));
  }

 private:
  Embeddings give(const BatchView& inputs, int64_t dim, float third = 1) {
    const std::vector<float> numbers = first_numbers(inputs);
    const auto batch = static_cast<int64_t>(numbers.size());
    if (std::ranges::find(numbers, kPoison) != numbers.end()) {
      throw Error(ErrorCode::kInternal, "poison");
    }
    if (gate_) gate_->pass();
    if (duration_.count() > 0) std::this_thread::sleep_for(duration_);
    auto out = std::make_shared<std::vector<float>>(static_cast<size_t>(batch * dim), 1.0F);
    for (int64_t i = 0; i < batch; ++i) {
      const float first = numbers[static_cast<size_t>(i)];
      float* const embedding = out->data() + i * dim;
      embedding[0] = first;
      embedding[1] = first == kAskHeap ? heap_kib() : static_cast<float>(batch);
      if (dim > 2) embedding[2] = third;
    }
    return {out->data(), batch, dim, out};
  }

  int64_t dim_ = 0, patches_dim_ = 0;
  std::chrono::microseconds duration_{};
  std::optional<testing::FakeGate> gate_;
  SessionInfo info_;
};

class FakeRate final : public LinearRate {
 public:
  double gflops(const LinearSpec&) override { return 100; }
};

class FakeEngine final : public Engine {
 public:
  std::string version() const override { return "fake"; }
  std::unique_ptr<Builder> builder(const BuildOptions&) override {
    throw Error(ErrorCode::kInternal, "the fake engine builds nothing");
  }
  std::unique_ptr<Session> open(const SessionOptions& options) override {
    return std::make_unique<FakeSession>(options);
  }
  LinearRate* linear_rate() override { return &linear_rate_; }

 private:
  FakeRate linear_rate_;
};

}  // namespace
}  // namespace llm2clip

extern "C" __attribute__((visibility("default"))) const llm2clip::Plugin llm2clip_plugin{
    llm2clip::kPluginInterfaceVersion,
    []() -> std::unique_ptr<llm2clip::Engine> { return std::make_unique<llm2clip::FakeEngine>(); }};
