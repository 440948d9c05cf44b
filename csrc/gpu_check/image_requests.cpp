#include "image_requests.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"

namespace llm2clip {
namespace {

class CopiedImage final : public Request {
 public:
  CopiedImage(std::span<const float> pixels, std::shared_ptr<Tally> tally)
      : pixels_(pixels), tally_(std::move(tally)) {}
  void preprocess(const Slot& slot) override { std::ranges::copy(pixels_, slot.numbers().begin()); }
  void complete(std::span<const float>, const std::shared_ptr<const void>&) override {
    tally_->settled();
  }
  void fail(std::exception_ptr error) override { tally_->settled(error); }

 private:
  std::span<const float> pixels_;
  std::shared_ptr<Tally> tally_;
};

}  // namespace

void Tally::flush() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void Tally::settled() {
  const std::lock_guard lock(mutex_);
  ++settled_;
  ++completed_;
}

void Tally::settled(const std::exception_ptr& error) {
  const std::lock_guard lock(mutex_);
  ++settled_;
  ++failed_[code_of(error)];
}

bool Tally::wait_for(size_t count, double seconds) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                           [&] { return settled_ >= count; });
}

size_t Tally::completed() const {
  const std::lock_guard lock(mutex_);
  return completed_;
}

std::map<std::string, size_t> Tally::failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

std::string in_words(const Tally& tally) {
  std::string found = std::to_string(tally.completed()) + " completed";
  for (const auto& [code, count] : tally.failed()) {
    found += ", " + std::to_string(count) + " " + code;
  }
  return found;
}

// A minute is ample for work of milliseconds, so a longer wait would never end.
void require_completed(Tally& tally, size_t count) {
  if (tally.wait_for(count, 60) && tally.failed().empty()) return;
  throw Error(ErrorCode::kInternal, "expected " + std::to_string(count) +
                                        " requests to be completed, found " + in_words(tally));
}

std::string code_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    return name(known.code());
  } catch (...) {
    return name(ErrorCode::kInternal);
  }
}

void submit_images(Scheduler& scheduler, const std::vector<float>& images, size_t count,
                   const std::shared_ptr<Tally>& tally) {
  const size_t slot = images.size() / count;
  for (size_t i = 0; i < count; ++i) {
    const auto pixels = std::span(images).subspan(i * slot, slot);
    scheduler.submit(std::make_unique<CopiedImage>(pixels, tally),
                     {.client = tally, .waits = true});
  }
  scheduler.wake();
}

}  // namespace llm2clip
