#pragma once

namespace llm2clip {

// exit() runs the destructors of every library's statics while other threads go on: a batch that is
// being computed then reads memory that is gone. Armed, exit() ends the process at that point with
// its own status instead, if an engine is in use. To be armed last, when exit is near: what is
// registered last runs first, and libraries go on registering destructors as they are used.
void arm_exit_guard();

// An engine is loaded, run or freed as long as one of these lives.
class EngineInUse {
 public:
  EngineInUse();
  ~EngineInUse();
  EngineInUse(const EngineInUse&) = delete;
  EngineInUse& operator=(const EngineInUse&) = delete;
};

}  // namespace llm2clip
