#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "cuda/context.h"
#include "cuda/memory.h"
#include "serving/batch_memory.h"

namespace llm2clip {

// Pinned memory of a batch with its twin on the device: pictures go over as they become complete,
// on a stream of their own, while the batch before is computed.
class StagedBatch {
 public:
  StagedBatch(std::shared_ptr<const CudaContext> context, size_t floats, size_t picture);
  ~StagedBatch();
  StagedBatch(const StagedBatch&) = delete;
  StagedBatch& operator=(const StagedBatch&) = delete;

  std::span<float> pixels() const { return {host_.floats(), floats_}; }
  // Whether these are pictures of this batch.
  bool holds(const float* pixels) const;
  // These pictures begin their way. From any thread.
  void send(std::span<const float> pictures);
  // Where `count` pictures lie on the device as soon as what follows on `stream` runs; those that
  // are not there yet begin their way now. All count as not sent afterwards.
  CudaAddress receive(const float* pixels, size_t count, const CudaStream& stream);

 private:
  void copy(size_t picture);

  std::shared_ptr<const CudaContext> context_;  // goes last
  size_t floats_, picture_;
  PinnedMemory host_;
  DeviceMemory device_;
  CudaStream stream_;
  CudaEvent copied_;
  std::mutex mutex_;
  std::vector<bool> sent_;  // by picture; guarded, as is what is put on the stream
};

// A session's batches. They are asked for while it opens, and live as long as anybody holds them.
class StagedBatches {
 public:
  StagedBatches(std::shared_ptr<const CudaContext> context, size_t picture)
      : context_(std::move(context)), picture_(picture) {}

  // Throws ERR_OUT_OF_MEMORY.
  std::unique_ptr<BatchMemory> add(size_t floats);
  // The one that holds these pixels, nullptr for other memory.
  StagedBatch* find(const float* pixels) const;
  // Pictures of any memory to where a session always reads them, before what follows on `stream`.
  void give(const float* pixels, size_t count, CudaAddress to, const CudaStream& stream) const;

 private:
  std::shared_ptr<const CudaContext> context_;
  size_t picture_;  // floats
  std::vector<std::shared_ptr<StagedBatch>> batches_;
};

}  // namespace llm2clip
