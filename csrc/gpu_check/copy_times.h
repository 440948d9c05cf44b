#pragma once

#include <cstdint>

namespace llm2clip {

// The times of the copies around a run, each measured alone on the first GPU, in milliseconds of
// the GPU's clock. The rest of a run's time is its graph.
struct CopyTimes {
  double to_device;  // images in pinned memory
  double on_device;  // from the staged batch to the graph's input
  double to_host;    // the result, to pinned memory
};

// Times copies of `inputs` and `outputs` floats. Each time is a median.
CopyTimes time_copies(int64_t inputs, int64_t outputs);

}  // namespace llm2clip
