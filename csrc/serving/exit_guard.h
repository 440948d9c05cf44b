#pragma once

namespace llm2clip {

// exit() runs the destructors of every library's statics while other threads continue, so that a
// running batch may read freed memory. If the guard is armed and an engine is in use, exit() ends
// the process before that, with the process's own exit status. Arm the guard as late as possible
// before exit: handlers that are registered last run first, and libraries register further
// destructors as they are used.
void arm_exit_guard();

// While an instance exists, an engine is being loaded, run or freed.
class EngineInUse {
 public:
  EngineInUse();
  ~EngineInUse();
  EngineInUse(const EngineInUse&) = delete;
  EngineInUse& operator=(const EngineInUse&) = delete;
};

}  // namespace llm2clip
