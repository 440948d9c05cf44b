#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "cuda/context.h"
#include "cuda/memory.h"
#include "cuda/picture_intake.h"
#include "batch/batch_memory.h"

namespace llm2clip {

// Whose a session's batches are, and what their slots hold.
struct Staging {
  std::shared_ptr<const CudaContext> context;
  size_t picture;                                         // floats of a slot
  std::shared_ptr<const PictureIntake> intake = nullptr;  // none: they stay as they are

  size_t slot_bytes() const { return picture * sizeof(float); }
  // Of what a slot becomes on the device.
  size_t result_bytes() const { return intake ? intake->bytes() : slot_bytes(); }
};

// Pinned memory of a batch with its twin on the device: slots go over as they become complete, on a
// stream of their own, and become there what the engine reads, while the batch before is computed.
// From any thread, each slot from one at a time.
class StagedBatch {
 public:
  StagedBatch(Staging staging, size_t floats);
  ~StagedBatch();
  StagedBatch(const StagedBatch&) = delete;
  StagedBatch& operator=(const StagedBatch&) = delete;

  std::span<float> pixels() const { return {host_.floats(), floats_}; }
  // Whether these are slots of this batch.
  bool holds(const float* pixels) const;
  // As BatchMemory has them. What was sent of a slot and never received is waited for before the
  // slot is written.
  void begin(const float* slot);
  bool take(const float* slot, const ImageView& image, const Preprocessing& how);
  void move(const float* from, const float* to);
  // These slots begin their way.
  void send(std::span<const float> slots);
  // Where what `count` slots become lies on the device as soon as what follows on `stream` runs;
  // those that are not there yet begin their way now. All count as not sent afterwards.
  CudaAddress receive(const float* pixels, size_t count, const CudaStream& stream);

 private:
  struct SlotState {
    size_t packed = 0;   // bytes of a picture as it is; 0: it holds pixels
    bool begun = false;  // its copy may be under way
    bool sent = false;   // all that is to be done for it is on the stream
  };

  size_t index_of(const float* slot) const;
  std::byte* host(size_t slot) const { return host_.data() + slot * staging_.slot_bytes(); }
  void wait_for(size_t slot);
  void copy(size_t slot);

  Staging staging_;  // goes last
  size_t floats_;
  PinnedMemory host_;
  DeviceMemory device_, results_, scratch_;  // the last two where there is an intake
  CudaStream stream_;
  CudaEvent copied_;
  std::mutex mutex_;
  std::vector<SlotState> slots_;  // guarded, as is what is put on the stream
};

// A session's batches. They are asked for while it opens, and live as long as anybody holds them.
class StagedBatches {
 public:
  explicit StagedBatches(Staging staging) : staging_(std::move(staging)) {}

  // Throws ERR_OUT_OF_MEMORY.
  std::unique_ptr<BatchMemory> add(size_t floats);
  // The one that holds these pixels, nullptr for other memory.
  StagedBatch* find(const float* pixels) const;
  // What slots of any memory become, to where a session always reads it, before what follows on
  // `stream`. Such slots are not written again before that stream has come there.
  void give(const float* pixels, size_t count, CudaAddress to, const CudaStream& stream);

 private:
  void give_strange(const float* pixels, size_t count, CudaAddress to, const CudaStream& stream);

  Staging staging_;
  std::vector<std::shared_ptr<StagedBatch>> batches_;
  DeviceMemory strange_;  // pixels of other memory
};

}  // namespace llm2clip
