#pragma once

#include <cstdint>
#include <vector>

#include "serving/histogram.h"

namespace llm2clip {

// What a scheduler has done since it began.
struct SchedulerStats {
  uint64_t submitted = 0;  // taken in, the refused ones not counted
  uint64_t completed = 0, failed = 0;
  uint64_t refused = 0;  // for a full queue
  uint64_t expired = 0;  // past their deadline
  uint64_t dropped = 0;  // cancelled, or their client went away
  uint64_t queued = 0, in_batches = 0;
  std::vector<uint64_t> batch_sizes;  // runs by size; [0] stays 0
  double busy_ms = 0, open_ms = 0;    // of which the runner ran so much
  Histogram::Summary prepare, queue, run;
};

}  // namespace llm2clip
