#pragma once

#include <cstdint>

namespace llm2clip {

// What the copies around a run take, each alone on the first GPU, in milliseconds by its own clock.
// What a run takes beyond them is its graph.
struct CopyTimes {
  double to_device;  // pinned pictures
  double on_device;  // from the staged batch to where graphs read
  double to_host;    // the result, to pinned memory
};

// Of so many floats in and out; the medians of some.
CopyTimes time_copies(int64_t inputs, int64_t outputs);

}  // namespace llm2clip
