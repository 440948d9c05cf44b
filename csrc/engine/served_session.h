#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/engine.h"
#include "serving/scheduler.h"

namespace llm2clip {

// A session behind the scheduler on whose thread it lives.
struct ServedSession {
  SessionInfo info;
  std::unique_ptr<Scheduler> scheduler;
};

// Opens a session that gives embeddings of so many numbers.
std::shared_ptr<ServedSession> serve(Engine& engine, const SessionOptions& options,
                                     const SchedulerOptions& scheduler, int64_t embedding_dim);

// The session of this key that somebody in the process holds, else what `open` gives. Others who
// ask for the same key meanwhile wait for it.
std::shared_ptr<ServedSession> share(const std::string& key,
                                     const std::function<std::shared_ptr<ServedSession>()>& open);

// Lets go without waiting for a batch that runs: the last one's end is waited for elsewhere.
void release_later(std::shared_ptr<ServedSession> session);

}  // namespace llm2clip
