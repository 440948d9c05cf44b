#include "serving/scheduler.h"

#include <algorithm>
#include <future>

#include "base/error.h"
#include "serving/exit_guard.h"

namespace llm2clip {
namespace {

std::exception_ptr disposed() {
  return std::make_exception_ptr(Error(ErrorCode::kDisposed, "the model has been disposed of"));
}

}  // namespace

Scheduler::Scheduler(const SchedulerOptions& options,
                     std::function<std::unique_ptr<BatchRunner>()> open)
    : options_(options), pixels_(static_cast<size_t>(options.max_batch * options.slot_size)) {
  std::promise<void> opened;
  std::future<void> done = opened.get_future();
  thread_ = std::thread([this, open = std::move(open), opened = std::move(opened)]() mutable {
    std::unique_ptr<BatchRunner> runner;
    try {
      runner = open();
      opened.set_value();
    } catch (...) {
      opened.set_exception(std::current_exception());
      return;
    }
    loop(*runner);
  });
  try {
    done.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

Scheduler::~Scheduler() { cancel(); }

void Scheduler::submit(std::unique_ptr<Request> request) {
  {
    std::lock_guard lock(mutex_);
    if (!stopping_) {
      queue_.push_back(std::move(request));
      changed_.notify_one();
      return;
    }
  }
  request->fail(disposed());
}

void Scheduler::close() { stop(/*drain=*/true); }

void Scheduler::cancel() { stop(/*drain=*/false); }

void Scheduler::stop(bool drain) {
  std::deque<std::unique_ptr<Request>> dropped;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (!drain) dropped.swap(queue_);
    changed_.notify_one();
  }
  for (auto& request : dropped) request->fail(disposed());
  std::call_once(joined_, [this] {
    if (thread_.joinable()) thread_.join();
  });
}

void Scheduler::loop(BatchRunner& runner) {
  for (Batch batch = next_batch(); !batch.empty(); batch = next_batch()) {
    const RunningBatch running;
    prepare(batch);
    if (!batch.empty()) run(runner, std::move(batch));
  }
}

// Empty when there is nothing left to do for ever.
Scheduler::Batch Scheduler::next_batch() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  Batch batch;
  const auto count = std::min<size_t>(queue_.size(), static_cast<size_t>(options_.max_batch));
  std::move(queue_.begin(), queue_.begin() + static_cast<int64_t>(count),
            std::back_inserter(batch));
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<int64_t>(count));
  return batch;
}

// Drops from the batch what cannot be prepared; the others close up.
void Scheduler::prepare(Batch& batch) {
  Batch prepared;
  for (auto& request : batch) {
    const auto slot =
        std::span(pixels_).subspan(prepared.size() * static_cast<size_t>(options_.slot_size),
                                   static_cast<size_t>(options_.slot_size));
    try {
      request->prepare(slot);
      prepared.push_back(std::move(request));
    } catch (...) {
      request->fail(std::current_exception());
    }
  }
  batch = std::move(prepared);
}

void Scheduler::run(BatchRunner& runner, Batch batch) {
  const auto count = batch.size();
  const auto pixels =
      std::span<const float>(pixels_).first(count * static_cast<size_t>(options_.slot_size));
  std::span<const float> embeddings;
  try {
    embeddings = runner.run(pixels, static_cast<int64_t>(count));
  } catch (...) {
    if (count == 1) return batch.front()->fail(std::current_exception());
    return run_one_by_one(runner, batch);
  }
  const size_t dim = embeddings.size() / count;
  for (size_t i = 0; i < count; ++i) batch[i]->complete(embeddings.subspan(i * dim, dim));
}

// One bad picture must not take the others with it.
void Scheduler::run_one_by_one(BatchRunner& runner, Batch& batch) {
  const auto slot = static_cast<size_t>(options_.slot_size);
  for (size_t i = 0; i < batch.size(); ++i) {
    try {
      batch[i]->complete(runner.run(std::span<const float>(pixels_).subspan(i * slot, slot), 1));
    } catch (...) {
      batch[i]->fail(std::current_exception());
    }
  }
}

}  // namespace llm2clip
