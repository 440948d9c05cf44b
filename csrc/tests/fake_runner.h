#pragma once

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include "serving/scheduler.h"

namespace llm2clip::testing {

// Calls `on_move` before a slot is moved.
class WatchedMemory final : public BatchMemory {
 public:
  WatchedMemory(size_t floats, std::function<void()> on_move)
      : memory_(floats), on_move_(std::move(on_move)) {}
  std::span<float> pixels() override { return memory_.pixels(); }
  void move(std::span<const float> from, std::span<float> to) noexcept override {
    if (on_move_) on_move_();
    memory_.move(from, to);
  }

 private:
  PlainBatchMemory memory_;
  std::function<void()> on_move_;
};

// A fake engine. It returns [2 × first pixel, batch] for each image, and
// [2 × first pixel + layer, batch] for patches.
class FakeRunner final : public BatchRunner {
 public:
  struct Behaviour {
    // Called with the pixels of a batch before it "runs". May throw.
    std::function<void(std::span<const float>, int64_t)> before{};
    // Called before a slot is moved; does not throw.
    std::function<void()> on_move{};
  };

  FakeRunner(Behaviour behaviour, size_t slot) : behaviour_(std::move(behaviour)), slot_(slot) {}

  std::unique_ptr<BatchMemory> batch_memory(size_t floats) override {
    return std::make_unique<WatchedMemory>(floats, behaviour_.on_move);
  }

  Embeddings run(const BatchView& view, const Output& output) override {
    const auto& images = std::get<Images>(view);
    const int64_t batch = images.count;
    const std::span pixels(images.pixels, static_cast<size_t>(batch * images.size));
    if (behaviour_.before) behaviour_.before(pixels, batch);
    auto result = std::make_shared<std::vector<float>>();
    const auto layer = static_cast<float>(output.layer.value_or(0));
    for (int64_t i = 0; i < batch; ++i) {
      result->push_back(2 * pixels[static_cast<size_t>(i) * slot_] + layer);
      result->push_back(static_cast<float>(batch));
    }
    return {result->data(), batch, 2, result};
  }

 private:
  Behaviour behaviour_;
  size_t slot_;
};

// Counts the settled requests.
class FakeClient final : public Client {
 public:
  void flush() override {
    const std::lock_guard lock(mutex_);
    ++flushes;
    changed_.notify_all();
  }

  void settled() { ++settled_; }

  // Waits until `count` requests are settled. Returns false after two minutes, which is enough even
  // on a busy machine.
  bool wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(2), [&] { return settled_ >= count; });
  }

  size_t flushes = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<size_t> settled_{0};
};

// The outcome of one request. The scheduler's threads write it; tests read it after the client's
// wait_for().
struct Outcome {
  std::atomic<int> settled{0};
  std::atomic<float> value{NAN}, batch{NAN};
  std::exception_ptr error;
  std::atomic<bool> preprocessed{false}, kept{false};
};

class FakeRequest final : public Request {
 public:
  // If `pixel` is NaN, preprocess() throws. If it is infinite, keep() throws std::bad_alloc.
  FakeRequest(float pixel, std::shared_ptr<Outcome> outcome, std::shared_ptr<FakeClient> client)
      : pixel_(pixel), outcome_(std::move(outcome)), client_(std::move(client)) {}

  void preprocess(const Slot& slot) override {
    outcome_->preprocessed = true;
    if (std::isnan(pixel_)) throw std::runtime_error("deliberate");
    for (float& x : slot.numbers()) x = pixel_;
  }
  void keep() override {
    if (std::isinf(pixel_)) throw std::bad_alloc();
    outcome_->kept = true;
  }
  void complete(std::span<const float> embedding, const std::shared_ptr<const void>&) override {
    outcome_->value = embedding[0];
    outcome_->batch = embedding[1];
    settle();
  }
  void fail(std::exception_ptr error) override {
    outcome_->error = std::move(error);
    settle();
  }

 private:
  void settle() {
    ++outcome_->settled;
    client_->settled();
  }

  float pixel_;
  std::shared_ptr<Outcome> outcome_;
  std::shared_ptr<FakeClient> client_;
};

}  // namespace llm2clip::testing
