#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "batch/batch_memory.h"
#include "cuda/context.h"
#include "cuda/image_intake.h"
#include "cuda/memory.h"

namespace llm2clip {

// The context of a session's batches, and what their slots hold.
struct Staging {
  std::shared_ptr<const CudaContext> context;
  size_t image;                                         // floats per slot
  std::shared_ptr<const ImageIntake> intake = nullptr;  // nullptr: slots stay unconverted

  size_t slot_bytes() const { return image * sizeof(float); }
  // Bytes of a converted slot on the device.
  size_t result_bytes() const { return intake ? intake->bytes() : slot_bytes(); }
};

// The pinned memory of a batch, and its counterpart on the device. Each slot is copied to the
// device as soon as it is complete, and is converted there into the engine's input. This happens on
// a separate stream while the previous batch runs. Any thread may call it, but only one at a time
// for each slot.
class StagedBatch {
 public:
  StagedBatch(Staging staging, size_t floats);
  ~StagedBatch();
  StagedBatch(const StagedBatch&) = delete;
  StagedBatch& operator=(const StagedBatch&) = delete;

  std::span<float> pixels() const { return {host_.floats(), floats_}; }
  // True when `pixels` points into this batch.
  bool holds(const float* pixels) const;
  // The same as in BatchMemory. Before a slot is written again, a pending copy of it is waited for.
  void begin(const float* slot);
  bool take(const float* slot, const ImageView& image, const Preprocessing& how);
  void move(const float* from, const float* to);
  // Starts the copies of these slots.
  void send(std::span<const float> slots);
  // Returns the device address of `count` converted slots. They are ready for work that is added to
  // `stream` after this call. Slots that were not sent are sent now. Afterwards all of them count
  // as not sent.
  CudaAddress receive(const float* pixels, size_t count, const CudaStream& stream);

 private:
  struct SlotState {
    size_t packed = 0;   // bytes of a packed image; 0 when the slot holds pixels
    bool begun = false;  // its copy may still be running
    bool sent = false;   // all its work is on the stream
  };

  size_t index_of(const float* slot) const;
  std::byte* host(size_t slot) const { return host_.data() + slot * staging_.slot_bytes(); }
  void wait_for(size_t slot);
  void copy(size_t slot);

  Staging staging_;  // destroyed last
  size_t floats_;
  PinnedMemory host_;
  DeviceMemory device_, results_, scratch_;  // results_ and scratch_ are used with an intake only
  CudaStream stream_;
  CudaEvent copied_;
  std::mutex mutex_;
  std::vector<SlotState> slots_;  // guarded by mutex_, like additions to the stream
};

// The batches of a session. They are added while the session opens, and live as long as anybody
// holds them.
class StagedBatches {
 public:
  explicit StagedBatches(Staging staging) : staging_(std::move(staging)) {}

  // Throws ERR_OUT_OF_MEMORY.
  std::unique_ptr<BatchMemory> add(size_t floats);
  // Returns the batch that holds these pixels, or nullptr for other memory.
  StagedBatch* find(const float* pixels) const;
  // Copies converted slots to a fixed address of the session, ahead of later work on `stream`. The
  // slots may be in any memory. They must not be written again before the stream has reached this
  // point.
  void give(const float* pixels, size_t count, CudaAddress to, const CudaStream& stream);

 private:
  void give_strange(const float* pixels, size_t count, CudaAddress to, const CudaStream& stream);

  Staging staging_;
  std::vector<std::shared_ptr<StagedBatch>> batches_;
  DeviceMemory strange_;  // for pixels in other memory
};

}  // namespace llm2clip
