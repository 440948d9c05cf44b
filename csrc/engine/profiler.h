#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"

namespace llm2clip {

// The time of one kind of operator in one run.
struct OperatorTime {
  std::string name;  // "llm2clip::linear"; "all" for whole runs
  // Shape of the first input; for a linear layer, the number of outputs follows.
  std::vector<int64_t> shape;
  int64_t calls;
  double seconds;  // of all calls
};

class Profiler {
 public:
  virtual ~Profiler() = default;
  // Runs a batch `rounds` times and returns the times of its operators. Blocks the calling thread.
  virtual std::vector<OperatorTime> profile(const SessionOptions& options, const BatchView& batch,
                                            int64_t rounds) = 0;
};

}  // namespace llm2clip
