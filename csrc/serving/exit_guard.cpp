#include "serving/exit_guard.h"

#include <stdlib.h>  // on_exit, of glibc
#include <unistd.h>

#include <atomic>
#include <cstdio>

namespace llm2clip {
namespace {

std::atomic<int> in_use{0};
std::atomic<bool> exiting{false};

void end_now(int status, void*) {
  exiting = true;
  if (in_use.load() == 0) return;
  std::fflush(nullptr);
  ::_exit(status);
}

}  // namespace

void arm_exit_guard() { ::on_exit(end_now, nullptr); }

EngineInUse::EngineInUse() {
  ++in_use;
  while (exiting.load()) ::pause();  // forever, because nothing may start any more
}

EngineInUse::~EngineInUse() { --in_use; }

}  // namespace llm2clip
