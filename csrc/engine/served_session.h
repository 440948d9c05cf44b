#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/pipeline.h"
#include "serving/scheduler.h"

namespace llm2clip {

// The engines of some parts of a bundle, behind the scheduler on whose thread they live.
struct ServedSession {
  PipelineInfo info;
  std::unique_ptr<Scheduler> scheduler;
};

// Opens the parts, at least one. The parts determine the size of batches; the caller sets the other
// options of `scheduler`.
std::shared_ptr<ServedSession> serve(Engine& engine, const PipelineOptions& parts,
                                     const SchedulerOptions& scheduler);

// Returns the session with this key if somebody in the process holds one, else the result of
// `open`. Concurrent callers with the same key wait for it.
std::shared_ptr<ServedSession> share(const std::string& key,
                                     const std::function<std::shared_ptr<ServedSession>()>& open);

// Releases the session without waiting for a running batch; another thread waits for its end.
void release_later(std::shared_ptr<ServedSession> session);

}  // namespace llm2clip
