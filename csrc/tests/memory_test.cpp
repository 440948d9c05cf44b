// Tests batches in memory that a runner provides: the runner must see the data that the scheduler
// reports as filled.
#include <algorithm>
#include <cmath>
#include <vector>

#include "expect.h"
#include "fake_runner.h"
#include "image/preprocess.h"

namespace llm2clip::testing {
namespace {

constexpr size_t kSlot = 4, kLargest = 8;

// Simulates memory with a counterpart on a device. Images are copied to it when they are filled.
class TwinMemory final : public BatchMemory {
 public:
  explicit TwinMemory(size_t floats) : pixels_(floats), twin_(floats, NAN) {}
  std::span<float> pixels() override { return pixels_; }
  void filled(std::span<const float> images) noexcept override {
    std::ranges::copy(images, twin_.begin() + (images.data() - pixels_.data()));
  }
  // True when the counterpart has these images.
  bool has(std::span<const float> images) const {
    const float* const own = pixels_.data();
    if (images.data() < own || images.data() >= own + pixels_.size()) return false;
    return std::ranges::equal(images, std::span(twin_).subspan(images.data() - own, images.size()));
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

  Embeddings run(const BatchView& batch, const Output&) override {
    const auto& images = std::get<Images>(batch);
    const std::span pixels(images.pixels, static_cast<size_t>(images.count * images.size));
    ++*runs_;
    const bool there = std::ranges::any_of(
        memories_, [&](const TwinMemory* memory) { return memory->has(pixels); });
    if (!there) ++*missing_;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    auto result = std::make_shared<std::vector<float>>();
    for (int64_t i = 0; i < images.count; ++i) {
      result->insert(result->end(), {*images.some(i, 1).pixels, 1.0F});
    }
    return {result->data(), images.count, 2, result};
  }

 private:
  std::shared_ptr<std::atomic<int>> missing_, runs_;
  std::vector<TwinMemory*> memories_;
};

// With `some_fail`, every third image fails to preprocess and the images behind it move up.
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

// Simulates memory that takes whole images, except every fourth width. It stores the width of the
// image in each slot, or 0 for a slot that holds pixels.
class Album final : public BatchMemory {
 public:
  explicit Album(size_t floats) : pixels_(floats), widths_(floats / kSlot) {}
  std::span<float> pixels() override { return pixels_; }
  void begin(std::span<float> slot) noexcept override { width_of(slot.data()) = 0; }
  bool take(std::span<float> slot, const ImageView& image, const Preprocessing&) override {
    if (image.width % 4 == 0) return false;
    width_of(slot.data()) = image.width;
    return true;
  }
  void move(std::span<const float> from, std::span<float> to) noexcept override {
    std::ranges::copy(from, to.begin());
    width_of(to.data()) = width_of(from.data());
  }
  bool holds(const float* slot) const {
    return slot >= pixels_.data() && slot < pixels_.data() + pixels_.size();
  }
  int64_t& width_of(const float* slot) {
    return widths_.at(static_cast<size_t>(slot - pixels_.data()) / kSlot);
  }

 private:
  std::vector<float> pixels_;
  std::vector<int64_t> widths_;
};

// Returns the width of an image that was taken, or minus the first pixel.
class AlbumRunner final : public BatchRunner {
 public:
  std::unique_ptr<BatchMemory> batch_memory(size_t floats) override {
    auto album = std::make_unique<Album>(floats);
    albums_.push_back(album.get());
    return album;
  }

  Embeddings run(const BatchView& batch, const Output&) override {
    const auto& images = std::get<Images>(batch);
    Album& album =
        **std::ranges::find_if(albums_, [&](Album* one) { return one->holds(images.pixels); });
    auto result = std::make_shared<std::vector<float>>();
    for (int64_t i = 0; i < images.count; ++i) {
      const float* const slot = images.some(i, 1).pixels;
      const int64_t width = album.width_of(slot);
      result->insert(result->end(), {width != 0 ? static_cast<float>(width) : -*slot, 1.0F});
    }
    return {result->data(), images.count, 2, result};
  }

 private:
  std::vector<Album*> albums_;
};

// An image of this width. Every third one fails to preprocess.
class ImageRequest final : public Request {
 public:
  ImageRequest(int64_t width, std::shared_ptr<Outcome> outcome, std::shared_ptr<FakeClient> client)
      : width_(width), settles_(NAN, std::move(outcome), std::move(client)) {}

  void preprocess(const Slot& slot) override {
    if (width_ % 3 == 1) throw std::runtime_error("deliberate");
    if (slot.take({nullptr, width_, 1, 1}, {})) return;
    std::ranges::fill(slot.numbers(), static_cast<float>(width_));
  }
  void complete(std::span<const float> embedding, const std::shared_ptr<const void>& o) override {
    settles_.complete(embedding, o);
  }
  void fail(std::exception_ptr error) override { settles_.fail(std::move(error)); }

 private:
  int64_t width_;
  FakeRequest settles_;
};

// Each run must see what was last written to a slot, an image or pixels, even when slots moved up
// because others failed.
void test_taken() {
  Scheduler scheduler({.max_batch = kLargest, .slot_size = kSlot},
                      [] { return std::make_unique<AlbumRunner>(); });
  auto client = std::make_shared<FakeClient>();
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int64_t width = 1; width <= 300; ++width) {
    outcomes.push_back(std::make_shared<Outcome>());
    scheduler.submit(std::make_unique<ImageRequest>(width, outcomes.back(), client),
                     {.client = client});
  }
  scheduler.wake();
  EXPECT(client->wait_for(outcomes.size()));
  for (int64_t width = 1; width <= 300; ++width) {
    const Outcome& outcome = *outcomes[static_cast<size_t>(width - 1)];
    const auto found = static_cast<float>(width % 4 == 0 ? -width : width);
    EXPECT(width % 3 == 1 ? outcome.error != nullptr : outcome.value == found);
  }
}

// A runner that has no memory for batches fails to open.
void test_no_memory() {
  class Hungry final : public BatchRunner {
    std::unique_ptr<BatchMemory> batch_memory(size_t) override { throw std::bad_alloc(); }
    Embeddings run(const BatchView&, const Output&) override { return {}; }
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
                    {"taken", test_taken},
                    {"no memory", test_no_memory},
                    {"filled again", [] { test_filled(true); }}});
}
