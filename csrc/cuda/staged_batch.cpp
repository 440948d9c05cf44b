#include "cuda/staged_batch.h"

#include <algorithm>
#include <cstring>

namespace llm2clip {
namespace {

// The scheduler's view of a staged batch. These methods may drop an exception without losing
// anything: receive() sends what has not been sent, and throws when it cannot.
class StagedMemory final : public BatchMemory {
 public:
  explicit StagedMemory(std::shared_ptr<StagedBatch> batch) : batch_(std::move(batch)) {}
  std::span<float> pixels() override { return batch_->pixels(); }
  void begin(std::span<float> slot) noexcept override {
    quietly([&] { batch_->begin(slot.data()); });
  }
  bool take(std::span<float> slot, const ImageView& image, const Preprocessing& how) override {
    return batch_->take(slot.data(), image, how);
  }
  void filled(std::span<const float> slots) noexcept override {
    quietly([&] { batch_->send(slots); });
  }
  void move(std::span<const float> from, std::span<float> to) noexcept override {
    quietly([&] { batch_->move(from.data(), to.data()); });
  }

 private:
  template <typename Body>
  static void quietly(const Body& body) noexcept {
    try {
      body();
    } catch (...) {
    }
  }

  std::shared_ptr<StagedBatch> batch_;
};

size_t bytes_with_intake(const Staging& staging, size_t bytes) {
  return staging.intake ? bytes : 0;
}

}  // namespace

StagedBatch::StagedBatch(Staging staging, size_t floats)
    : staging_(std::move(staging)),
      floats_(floats),
      host_(floats * sizeof(float)),
      device_(floats * sizeof(float)),
      results_(bytes_with_intake(staging_, floats / staging_.image * staging_.result_bytes())),
      scratch_(bytes_with_intake(staging_, staging_.slot_bytes())),
      slots_(floats / staging_.image) {}

StagedBatch::~StagedBatch() {
  // Any thread may release the last reference, and the memory is freed in the current context.
  staging_.context->make_current();
}

bool StagedBatch::holds(const float* pixels) const {
  const auto own = this->pixels();
  return pixels >= own.data() && pixels < own.data() + own.size();
}

size_t StagedBatch::index_of(const float* slot) const {
  return static_cast<size_t>(slot - host_.floats()) / staging_.image;
}

// If a copy of the slot is still running, a write now would mix two images, and a kernel might read
// the resize tables of the wrong one.
void StagedBatch::wait_for(size_t slot) {
  if (slots_[slot].begun) stream_.synchronize();
  slots_[slot] = {};
}

void StagedBatch::begin(const float* slot) {
  staging_.context->make_current();
  const std::lock_guard lock(mutex_);
  wait_for(index_of(slot));
}

bool StagedBatch::take(const float* slot, const ImageView& image, const Preprocessing& how) {
  if (!staging_.intake) return false;
  const size_t i = index_of(slot);
  const size_t packed = staging_.intake->pack(image, how, {host(i), staging_.slot_bytes()});
  const std::lock_guard lock(mutex_);
  slots_[i].packed = packed;
  return packed != 0;
}

void StagedBatch::move(const float* from, const float* to) {
  staging_.context->make_current();
  const std::lock_guard lock(mutex_);
  const size_t source = index_of(from), target = index_of(to);
  wait_for(target);
  const size_t packed = slots_[source].packed;
  std::memcpy(host(target), host(source), packed != 0 ? packed : staging_.slot_bytes());
  slots_[target].packed = packed;
  copy(target);
}

void StagedBatch::copy(size_t slot) {
  SlotState& state = slots_[slot];
  const CudaAddress there = device_.address() + slot * staging_.slot_bytes();
  const CudaAddress result = results_.address() + slot * staging_.result_bytes();
  state.begun = true;
  const size_t bytes = state.packed != 0 ? state.packed : staging_.slot_bytes();
  copy_to_device(there, {host(slot), bytes}, stream_);
  if (state.packed != 0) {
    staging_.intake->unpack(host(slot), there, scratch_.address(), result, stream_);
  } else if (staging_.intake) {
    staging_.intake->convert(there, 1, result, stream_);
  }
  state.sent = true;
}

void StagedBatch::send(std::span<const float> slots) {
  staging_.context->make_current();
  const std::lock_guard lock(mutex_);
  const size_t first = index_of(slots.data());
  for (size_t i = 0; i < slots.size() / staging_.image; ++i) copy(first + i);
}

CudaAddress StagedBatch::receive(const float* pixels, size_t count, const CudaStream& stream) {
  const std::lock_guard lock(mutex_);
  const size_t first = index_of(pixels);
  for (size_t i = first; i < first + count; ++i) {
    if (!slots_[i].sent) copy(i);
  }
  stream_.record(copied_);
  stream.wait(copied_);
  for (size_t i = first; i < first + count; ++i) slots_[i].begun = slots_[i].sent = false;
  const CudaAddress base = staging_.intake ? results_.address() : device_.address();
  return base + first * staging_.result_bytes();
}

std::unique_ptr<BatchMemory> StagedBatches::add(size_t floats) {
  auto batch = std::make_shared<StagedBatch>(staging_, floats);
  batches_.push_back(batch);
  return std::make_unique<StagedMemory>(std::move(batch));
}

StagedBatch* StagedBatches::find(const float* pixels) const {
  const auto found =
      std::ranges::find_if(batches_, [&](const auto& batch) { return batch->holds(pixels); });
  return found == batches_.end() ? nullptr : found->get();
}

void StagedBatches::give(const float* pixels, size_t count, CudaAddress to,
                         const CudaStream& stream) {
  StagedBatch* const batch = find(pixels);
  if (batch == nullptr) return give_strange(pixels, count, to, stream);
  const CudaAddress from = batch->receive(pixels, count, stream);
  copy_on_device(to, from, count * staging_.result_bytes(), stream);
}

void StagedBatches::give_strange(const float* pixels, size_t count, CudaAddress to,
                                 const CudaStream& stream) {
  const auto bytes = std::as_bytes(std::span(pixels, count * staging_.image));
  if (!staging_.intake) return copy_to_device(to, bytes, stream);
  if (strange_.bytes() < bytes.size()) {
    stream.synchronize();
    strange_ = DeviceMemory(bytes.size());
  }
  copy_to_device(strange_.address(), bytes, stream);
  staging_.intake->convert(strange_.address(), count, to, stream);
}

}  // namespace llm2clip
