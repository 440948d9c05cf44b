#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"

namespace llm2clip {

// How long one kind of operator took, of all that one run calls.
struct OperatorTime {
  std::string name;            // "llm2clip::linear"; "all" for whole runs
  std::vector<int64_t> shape;  // of its first input; of a linear, its outputs too
  int64_t calls;
  double seconds;  // of all calls
};

class Profiler {
 public:
  virtual ~Profiler() = default;
  // Runs a batch some times and says what its time went to. Blocks the calling thread.
  virtual std::vector<OperatorTime> profile(const SessionOptions& options, const BatchView& batch,
                                            int64_t rounds) = 0;
};

}  // namespace llm2clip
