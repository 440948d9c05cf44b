#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "batch/batch_view.h"
#include "cuda/memory.h"

namespace llm2clip::tensorrt {

// The size that selects kernels and graphs. A batch runs as the next larger of some sizes.
struct BatchSize {
  int64_t batch;
  int64_t tokens;  // of each text; 0 when the inputs are not texts
};

// The texts of a batch on the device, in the layout of text_rows.h and at fixed addresses, so that
// a recorded launch may use them. This file does not depend on TensorRT.
class DeviceTexts {
 public:
  // For texts of at most so many tokens. Throws ERR_OUT_OF_MEMORY.
  DeviceTexts(int64_t max_batch, int64_t most_tokens);

  // Returns each batch size and each length once, because all pairs of them would take minutes.
  // These sizes may run before give() is called.
  std::vector<BatchSize> to_warm_up() const;
  // Copies a batch to the device, ahead of later work on `stream`. The stream must have finished
  // the previous batch.
  BatchSize give(const Texts& texts, const CudaStream& stream);
  // The address of ids (0), attention mask (1) and pool mask (2), int64 [batch, tokens] of the size
  // that give() returned.
  void* data(size_t i) const { return rows_[i].device.data(); }

 private:
  struct Rows {
    PinnedMemory host;
    DeviceMemory device;
    std::span<int64_t> numbers() const;
  };

  std::vector<int64_t> batches_, lengths_;
  std::array<Rows, 3> rows_;
};

}  // namespace llm2clip::tensorrt
