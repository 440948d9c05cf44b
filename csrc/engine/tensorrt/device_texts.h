#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "batch/batch_view.h"
#include "cuda/memory.h"

namespace llm2clip::tensorrt {

// What kernels and graphs are chosen for: a batch runs as the next larger of some sizes.
struct BatchSize {
  int64_t batch;
  int64_t tokens;  // of each text; 0 where inputs are no texts
};

// Texts of a batch on the device as text_rows.h has them, at addresses that a recorded launch may
// keep. Knows no TensorRT.
class DeviceTexts {
 public:
  // For texts of at most so many tokens. Throws ERR_OUT_OF_MEMORY.
  DeviceTexts(int64_t max_batch, int64_t most_tokens);

  // Every number of texts, and every length: all pairs of them would take minutes. They may be run
  // before anything was given.
  std::vector<BatchSize> to_warm_up() const;
  // Before what follows on `stream`, which must be done with the batch before.
  BatchSize give(const Texts& texts, const CudaStream& stream);
  // Of ids, attention mask and pool mask, int64 [batch, tokens] of the size that give() said.
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
