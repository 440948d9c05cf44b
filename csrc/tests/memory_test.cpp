// Batches in memory of a runner's own: what the scheduler says is filled is what the runner reads.
#include <algorithm>
#include <cmath>
#include <vector>

#include "expect.h"
#include "fake_runner.h"

namespace llm2clip::testing {
namespace {

constexpr size_t kSlot = 4, kLargest = 8;

// Stands for memory with a twin on a device: pictures go over when they are filled.
class TwinMemory final : public BatchMemory {
 public:
  explicit TwinMemory(size_t floats) : pixels_(floats), twin_(floats, NAN) {}
  std::span<float> pixels() override { return pixels_; }
  void filled(std::span<const float> pictures) noexcept override {
    std::ranges::copy(pictures, twin_.begin() + (pictures.data() - pixels_.data()));
  }
  // Whether the twin has these pictures.
  bool has(std::span<const float> pictures) const {
    const float* const own = pixels_.data();
    if (pictures.data() < own || pictures.data() >= own + pixels_.size()) return false;
    return std::ranges::equal(pictures,
                              std::span(twin_).subspan(pictures.data() - own, pictures.size()));
  }

 private:
  std::vector<float> pixels_, twin_;
};

class TwinRunner final : public BatchRunner {
 public:
  TwinRunner(std::shared_ptr<std::atomic<int>> missing, std::shared_ptr<std::atomic<int>> runs)
      : missing_(std::move(missing)), runs_(std::move(runs)) {}

  std::unique_ptr<BatchMemory> batch_memory(size_t floats) override {
    auto memory = std::make_unique<TwinMemory>(floats);
    memories_.push_back(memory.get());
    return memory;
  }

  BatchResult run(std::span<const float> pixels, int64_t batch, const Output&) override {
    ++*runs_;
    const bool there = std::ranges::any_of(
        memories_, [&](const TwinMemory* memory) { return memory->has(pixels); });
    if (!there) ++*missing_;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    auto result = std::make_shared<std::vector<float>>();
    for (int64_t i = 0; i < batch; ++i) {
      result->insert(result->end(), {pixels[static_cast<size_t>(i) * kSlot], 1.0F});
    }
    return {*result, result};
  }

 private:
  std::shared_ptr<std::atomic<int>> missing_, runs_;
  std::vector<TwinMemory*> memories_;
};

// Every third picture fails to prepare, or none does: those behind it move up.
void test_filled(bool some_fail) {
  const auto missing = std::make_shared<std::atomic<int>>(0);
  const auto runs = std::make_shared<std::atomic<int>>(0);
  Scheduler scheduler({.max_batch = kLargest, .slot_size = kSlot},
                      [&] { return std::make_unique<TwinRunner>(missing, runs); });
  auto client = std::make_shared<FakeClient>();
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 300; ++i) {
    outcomes.push_back(std::make_shared<Outcome>());
    const float pixel = some_fail && i % 3 == 1 ? NAN : static_cast<float>(i);
    scheduler.submit(std::make_unique<FakeRequest>(pixel, outcomes.back(), client),
                     {.client = client});
  }
  scheduler.wake();
  EXPECT(client->wait_for(outcomes.size()));
  EXPECT(*missing == 0 && *runs > 0);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (some_fail && i % 3 == 1) continue;
    EXPECT(outcomes[i]->value == static_cast<float>(i));
  }
}

// A runner that has no memory for batches is one that does not open.
void test_no_memory() {
  class Hungry final : public BatchRunner {
    std::unique_ptr<BatchMemory> batch_memory(size_t) override { throw std::bad_alloc(); }
    BatchResult run(std::span<const float>, int64_t, const Output&) override { return {}; }
  };
  bool thrown = false;
  try {
    Scheduler scheduler({.max_batch = 1, .slot_size = kSlot},
                        [] { return std::make_unique<Hungry>(); });
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  EXPECT(thrown);
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  return run_tests({{"filled", [] { test_filled(false); }},
                    {"filled, some fail", [] { test_filled(true); }},
                    {"no memory", test_no_memory},
                    {"filled again", [] { test_filled(true); }}});
}
