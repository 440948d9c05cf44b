#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/pipeline.h"
#include "serving/scheduler.h"

namespace llm2clip {

// The engines of some parts of a bundle behind the scheduler on whose thread they live.
struct ServedSession {
  PipelineInfo info;
  std::unique_ptr<Scheduler> scheduler;
};

// Opens the parts, at least one. How large batches are is theirs to say; the rest of `scheduler` is
// the caller's.
std::shared_ptr<ServedSession> serve(Engine& engine, const PipelineOptions& parts,
                                     const SchedulerOptions& scheduler);

// The session of this key that somebody in the process holds, else what `open` gives. Others who
// ask for the same key meanwhile wait for it.
std::shared_ptr<ServedSession> share(const std::string& key,
                                     const std::function<std::shared_ptr<ServedSession>()>& open);

// Lets go without waiting for a batch that runs: the last one's end is waited for elsewhere.
void release_later(std::shared_ptr<ServedSession> session);

}  // namespace llm2clip
