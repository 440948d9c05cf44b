#pragma once

#include <cstdint>
#include <vector>

#include "serving/histogram.h"

namespace llm2clip {

// The activity of a scheduler since it was created.
struct SchedulerStats {
  uint64_t submitted = 0;  // accepted requests, without refused ones
  uint64_t completed = 0, failed = 0;
  uint64_t refused = 0;    // because the queue was full
  uint64_t timed_out = 0;  // after their deadline
  uint64_t dropped = 0;    // cancelled, or their client is gone
  uint64_t queued = 0, in_batches = 0;
  std::vector<uint64_t> batch_sizes;  // number of runs by batch size; [0] stays 0
  double busy_ms = 0, open_ms = 0;    // time that the runner ran, and time since opening
  Histogram::Summary preprocess, queue, run;
};

}  // namespace llm2clip
