#include "cuda/staged_batch.h"

#include <algorithm>

namespace llm2clip {
namespace {

// What the scheduler holds of a staged batch.
class StagedMemory final : public BatchMemory {
 public:
  explicit StagedMemory(std::shared_ptr<StagedBatch> batch) : batch_(std::move(batch)) {}
  std::span<float> pixels() override { return batch_->pixels(); }
  void filled(std::span<const float> pictures) noexcept override {
    try {
      batch_->send(pictures);
    } catch (...) {
      // receive() sends what was not sent, and says why it can't.
    }
  }

 private:
  std::shared_ptr<StagedBatch> batch_;
};

}  // namespace

StagedBatch::StagedBatch(std::shared_ptr<const CudaContext> context, size_t floats, size_t picture)
    : context_(std::move(context)),
      floats_(floats),
      picture_(picture),
      host_(floats * sizeof(float)),
      device_(floats * sizeof(float)),
      sent_(floats / picture) {}

StagedBatch::~StagedBatch() {
  // Whichever thread lets go last: what is freed belongs to the context.
  context_->make_current();
}

bool StagedBatch::holds(const float* pixels) const {
  const auto own = this->pixels();
  return pixels >= own.data() && pixels < own.data() + own.size();
}

void StagedBatch::copy(size_t picture) {
  const size_t first = picture * picture_;
  copy_to_device(device_.address() + first * sizeof(float),
                 std::as_bytes(pixels().subspan(first, picture_)), stream_);
  sent_[picture] = true;
}

void StagedBatch::send(std::span<const float> pictures) {
  context_->make_current();
  const std::lock_guard lock(mutex_);
  const auto first = static_cast<size_t>(pictures.data() - host_.floats()) / picture_;
  for (size_t i = 0; i < pictures.size() / picture_; ++i) copy(first + i);
}

CudaAddress StagedBatch::receive(const float* pixels, size_t count, const CudaStream& stream) {
  const std::lock_guard lock(mutex_);
  const auto offset = static_cast<size_t>(pixels - host_.floats());
  const size_t first = offset / picture_;
  for (size_t i = first; i < first + count; ++i) {
    if (!sent_[i]) copy(i);
    sent_[i] = false;
  }
  stream_.record(copied_);
  stream.wait(copied_);
  return device_.address() + offset * sizeof(float);
}

std::unique_ptr<BatchMemory> StagedBatches::add(size_t floats) {
  auto batch = std::make_shared<StagedBatch>(context_, floats, picture_);
  batches_.push_back(batch);
  return std::make_unique<StagedMemory>(std::move(batch));
}

StagedBatch* StagedBatches::find(const float* pixels) const {
  const auto found =
      std::ranges::find_if(batches_, [&](const auto& batch) { return batch->holds(pixels); });
  return found == batches_.end() ? nullptr : found->get();
}

void StagedBatches::give(const float* pixels, size_t count, CudaAddress to,
                         const CudaStream& stream) const {
  const size_t floats = count * picture_;
  if (StagedBatch* const batch = find(pixels)) {
    const CudaAddress from = batch->receive(pixels, count, stream);
    return copy_on_device(to, from, floats * sizeof(float), stream);
  }
  copy_to_device(to, std::as_bytes(std::span(pixels, floats)), stream);
}

}  // namespace llm2clip
