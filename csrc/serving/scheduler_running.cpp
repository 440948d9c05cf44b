// Handles the outcome of a running batch: its embeddings, its failures, and the loss of the device.
#include <set>
#include <utility>

#include "base/error.h"
#include "serving/scheduler.h"

namespace llm2clip {
namespace {

bool is(const std::exception_ptr& error, ErrorCode code) {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    return known.code() == code;
  } catch (...) {
    return false;
  }
}

}  // namespace

void Scheduler::run(BatchRunner& runner, std::unique_lock<std::mutex>& lock) {
  state_ = Runner::kRunning;
  ++counts_.batch_sizes[running_.size()];
  if (!queue_.empty()) preprocessor_wakes_.notify_one();
  const auto now = Clock::now();
  for (const auto& entry : running_.entries()) {
    queue_time_.record(now - entry->submitted - entry->preprocessing_time);
  }
  const size_t count = running_.size();
  lock.unlock();
  run_range(runner, 0, count, false);
  lock.lock();
  running_.clear();
}

// A batch that fails is halved repeatedly until only the bad input fails. If it needs too much
// memory, it is halved once.
void Scheduler::run_range(BatchRunner& runner, size_t first, size_t count, bool split) {
  std::exception_ptr error;
  if (run_once(runner, first, count, error)) return;
  if (is(error, ErrorCode::kDeviceLost)) {
    fail(first, count, error);
    return lose(error);
  }
  if (count == 1 || (split && is(error, ErrorCode::kOutOfMemory))) return fail(first, count, error);
  const size_t half = count / 2;
  run_range(runner, first, half, true);
  run_range(runner, first + half, count - half, true);
}

bool Scheduler::run_once(BatchRunner& runner, size_t first, size_t count,
                         std::exception_ptr& error) {
  {
    const std::lock_guard lock(mutex_);
    error = lost_;
  }
  if (error) return false;
  const auto begin = Clock::now();
  Embeddings result{};
  try {
    result = runner.run(running_.view(first, count), running_.output());
  } catch (...) {
    error = std::current_exception();
  }
  const auto took = Clock::now() - begin;
  run_time_.record(took);
  {
    const std::lock_guard lock(mutex_);
    counts_.busy_ms += std::chrono::duration<double, std::milli>(took).count();
  }
  if (error) return false;
  complete(first, count, result);
  return true;
}

void Scheduler::complete(size_t first, size_t count, const Embeddings& result) {
  const auto dim = static_cast<size_t>(result.dim);
  std::vector<std::pair<Due, size_t>> due;
  {
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < count; ++i) {
      Entry& entry = *running_.entries()[first + i];
      if (!entry.settled) due.emplace_back(settle(entry), i);
    }
    counts_.completed += due.size();
  }
  std::set<Client*> clients;
  for (auto& [one, i] : due) {
    one.request->complete({result.data + i * dim, dim}, result.owner);
    clients.insert(one.client.get());
  }
  for (Client* client : clients) client->flush();
}

void Scheduler::fail(size_t first, size_t count, const std::exception_ptr& error) {
  std::vector<Due> due;
  {
    const std::lock_guard lock(mutex_);
    for (size_t i = first; i < first + count; ++i) {
      Entry& entry = *running_.entries()[i];
      if (!entry.settled) due.push_back(settle(entry));
    }
    counts_.failed += due.size();
  }
  deliver_failure(std::move(due), error);
}

// The device is lost: all waiting and all future requests fail.
void Scheduler::lose(const std::exception_ptr& error) {
  std::vector<Due> due;
  {
    const std::lock_guard lock(mutex_);
    lost_ = error;
    for (auto& entry : queue_.remove_all()) due.push_back(settle(*entry));
    for (auto& entry : forming_.entries()) {
      if (!entry->settled && !entry->preprocessing) due.push_back(settle(*entry));
    }
    counts_.failed += due.size();
  }
  deliver_failure(std::move(due), error);
}

}  // namespace llm2clip
