#pragma once

namespace llm2clip {

// exit() runs the destructors of every library's statics while other threads go on: a batch that is
// being computed then reads memory that is gone. Armed, exit() ends the process at that point with
// its own status instead, if a batch is running. To be armed last, when exit is near: what is
// registered last runs first, and libraries go on registering destructors as they are used.
void arm_exit_guard();

// A batch is running as long as one of these lives.
class RunningBatch {
 public:
  RunningBatch();
  ~RunningBatch();
  RunningBatch(const RunningBatch&) = delete;
  RunningBatch& operator=(const RunningBatch&) = delete;
};

}  // namespace llm2clip
