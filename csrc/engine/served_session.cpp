#include "engine/served_session.h"

#include <map>
#include <mutex>

#include "base/error.h"
#include "base/threads.h"

namespace llm2clip {
namespace {

// Sets the limits of a batch for these parts.
SchedulerOptions for_parts(SchedulerOptions scheduler, const PipelineOptions& parts) {
  const auto& largest = parts.vision ? parts.vision : parts.llm ? parts.llm : parts.adapter;
  const auto& numbers = parts.vision ? parts.vision : parts.adapter;
  scheduler.max_batch = static_cast<size_t>(largest->session.max_batch);
  if (numbers) scheduler.slot_size = static_cast<size_t>(numbers->session.input.numbers());
  if (parts.llm) scheduler.text_size = static_cast<size_t>(parts.llm->session.input.most_tokens());
  return scheduler;
}

// The state of a key's session. The registry's mutex guards all members but `opening`.
struct SharedEntry {
  std::mutex opening;  // held by the thread that opens; others wait for it
  std::weak_ptr<ServedSession> session;
  size_t asking = 0;
};

// Never freed, because threads may outlive the statics of this library.
struct Registry {
  std::mutex mutex;
  std::map<std::string, SharedEntry> by_key;
};

Registry& registry() {
  static auto* const instance = new Registry;
  return *instance;
}

// Keeps a key in the registry during its lifetime.
class Asking {
 public:
  explicit Asking(const std::string& key) {
    const std::lock_guard lock(registry().mutex);
    std::erase_if(registry().by_key, [](const auto& entry) {
      return entry.second.asking == 0 && entry.second.session.expired();
    });
    entry_ = &registry().by_key[key];
    ++entry_->asking;
  }
  ~Asking() {
    const std::lock_guard lock(registry().mutex);
    --entry_->asking;
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  std::mutex& opening() { return entry_->opening; }
  std::shared_ptr<ServedSession> session() const {
    const std::lock_guard lock(registry().mutex);
    return entry_->session.lock();
  }
  void set_session(const std::shared_ptr<ServedSession>& session) {
    const std::lock_guard lock(registry().mutex);
    entry_->session = session;
  }

 private:
  SharedEntry* entry_;
};

}  // namespace

std::shared_ptr<ServedSession> serve(Engine& engine, const PipelineOptions& parts,
                                     const SchedulerOptions& scheduler) {
  auto served = std::make_shared<ServedSession>();
  const auto open = [&]() -> std::unique_ptr<BatchRunner> {
    auto pipeline = std::make_unique<Pipeline>(engine, parts);
    served->info = pipeline->info();
    return pipeline;
  };
  served->scheduler = std::make_unique<Scheduler>(for_parts(scheduler, parts), open);
  return served;
}

std::shared_ptr<ServedSession> share(const std::string& key,
                                     const std::function<std::shared_ptr<ServedSession>()>& open) {
  Asking asking(key);
  const std::lock_guard lock(asking.opening());
  if (auto session = asking.session()) return session;
  auto session = open();
  asking.set_session(session);
  return session;
}

void release_later(std::shared_ptr<ServedSession> session) {
  try {
    start_thread([session = std::move(session)]() mutable { session.reset(); }).detach();
  } catch (const Error&) {
    // No thread could be started, so the session was released here, which may have taken a while.
  }
}

}  // namespace llm2clip
