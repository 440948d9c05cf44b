#include "engine/served_session.h"

#include <map>
#include <mutex>

#include "base/error.h"
#include "base/threads.h"

namespace llm2clip {
namespace {

// The engine's session as the scheduler sees it.
class SessionRunner final : public BatchRunner {
 public:
  SessionRunner(std::unique_ptr<Session> session, int64_t embedding_dim)
      : session_(std::move(session)), embedding_dim_(embedding_dim) {}

  std::unique_ptr<BatchMemory> batch_memory(size_t floats) override {
    return session_->batch_memory(floats);
  }

  BatchResult run(std::span<const float> pixels, int64_t batch, const Output& output) override {
    const Embeddings out = output.patches
                               ? session_->run_patches(pixels.data(), batch, output.layer)
                               : embeddings(pixels.data(), batch);
    return {{out.data, static_cast<size_t>(out.batch * out.dim)}, out.owner};
  }

 private:
  Embeddings embeddings(const float* pixels, int64_t batch) {
    Embeddings out = session_->run(pixels, batch);
    if (out.dim == embedding_dim_) return out;
    throw Error(ErrorCode::kEngineIncompatible, "expected embeddings of " +
                                                    std::to_string(embedding_dim_) +
                                                    " numbers, found " + std::to_string(out.dim));
  }

  std::unique_ptr<Session> session_;
  int64_t embedding_dim_;
};

// Where the session of a key is, or will be. All but `opening` is guarded by the registry's mutex.
struct Place {
  std::mutex opening;  // held by the one who opens, waited for by those who ask meanwhile
  std::weak_ptr<ServedSession> session;
  size_t asking = 0;
};

// Never freed: threads may outlive the statics of this library.
struct Registry {
  std::mutex mutex;
  std::map<std::string, Place> by_key;
};

Registry& registry() {
  static auto* const instance = new Registry;
  return *instance;
}

// Keeps a key's place in the registry while it lives.
class Asking {
 public:
  explicit Asking(const std::string& key) {
    const std::lock_guard lock(registry().mutex);
    std::erase_if(registry().by_key, [](const auto& entry) {
      return entry.second.asking == 0 && entry.second.session.expired();
    });
    place_ = &registry().by_key[key];
    ++place_->asking;
  }
  ~Asking() {
    const std::lock_guard lock(registry().mutex);
    --place_->asking;
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  std::mutex& opening() { return place_->opening; }
  std::shared_ptr<ServedSession> session() const {
    const std::lock_guard lock(registry().mutex);
    return place_->session.lock();
  }
  void set_session(const std::shared_ptr<ServedSession>& session) {
    const std::lock_guard lock(registry().mutex);
    place_->session = session;
  }

 private:
  Place* place_;
};

}  // namespace

std::shared_ptr<ServedSession> serve(Engine& engine, const SessionOptions& options,
                                     const SchedulerOptions& scheduler, int64_t embedding_dim) {
  auto served = std::make_shared<ServedSession>();
  served->scheduler = std::make_unique<Scheduler>(scheduler, [&]() -> std::unique_ptr<BatchRunner> {
    auto session = engine.open(options);
    served->info = session->info();
    return std::make_unique<SessionRunner>(std::move(session), embedding_dim);
  });
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
    // The system gives no thread: the session was let go of here, which may have taken a while.
  }
}

}  // namespace llm2clip
