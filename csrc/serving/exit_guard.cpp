#include "serving/exit_guard.h"

#include <stdlib.h>  // on_exit, of glibc
#include <unistd.h>

#include <atomic>
#include <cstdio>

namespace llm2clip {
namespace {

std::atomic<int> running{0};
std::atomic<bool> exiting{false};

void end_now(int status, void*) {
  exiting = true;
  if (running.load() == 0) return;
  std::fflush(nullptr);
  ::_exit(status);
}

}  // namespace

void arm_exit_guard() { ::on_exit(end_now, nullptr); }

RunningBatch::RunningBatch() {
  ++running;
  while (exiting.load()) ::pause();  // for ever: nothing may begin any more
}

RunningBatch::~RunningBatch() { --running; }

}  // namespace llm2clip
