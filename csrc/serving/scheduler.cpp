#include "serving/scheduler.h"

#include <algorithm>
#include <future>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/threads.h"
#include "serving/exit_guard.h"

namespace llm2clip {
namespace {

// Several times the time that it takes to wake a thread.
constexpr auto kSpin = std::chrono::microseconds(100);

Error disposed() { return {ErrorCode::kDisposed, "the model has been disposed of"}; }

std::exception_ptr timed_out() {
  return std::make_exception_ptr(Error(ErrorCode::kTimeout, "the request's time is over"));
}

}  // namespace

Scheduler::Scheduler(SchedulerOptions options, Open open)
    : options_(std::move(options)),
      forming_(options_.max_batch, options_.slot_size, options_.text_size, options_.max_weight),
      running_(options_.max_batch, options_.slot_size, options_.text_size, options_.max_weight) {
  counts_.batch_sizes.resize(options_.max_batch + 1);
  std::promise<void> opened;
  std::future<void> done = opened.get_future();
  runner_ = start_thread([this, open = std::move(open), opened = std::move(opened)]() mutable {
    std::unique_ptr<BatchRunner> runner;
    try {
      const EngineInUse in_use;
      runner = open();
      for (Batch* batch : {&forming_, &running_}) {
        batch->set_memory(runner->batch_memory(options_.max_batch * options_.slot_size));
      }
      opened.set_value();
    } catch (...) {
      opened.set_exception(std::current_exception());
      return;
    }
    run_loop(*runner);
    ending_.emplace();
    runner.reset();
  });
  try {
    done.get();
    preprocessor_ = start_thread([this] { preprocess_loop(); });
  } catch (...) {
    stop();
    runner_.join();
    throw;
  }
}

Scheduler::~Scheduler() { close(); }

void Scheduler::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  runner_wakes_.notify_one();
  preprocessor_wakes_.notify_one();
}

void Scheduler::close() {
  stop();
  std::call_once(joined_, [this] {
    runner_.join();
    ending_.reset();
    preprocessor_.join();
  });
}

RequestId Scheduler::submit(std::unique_ptr<Request> request, Ticket ticket) {
  auto entry = std::make_unique<Entry>();
  entry->request = std::move(request);
  entry->submitted = Clock::now();
  std::unique_lock lock(mutex_);
  if (lost_) std::rethrow_exception(lost_);
  if (stopping_) throw disposed();
  if (!ticket.waits && live_ >= options_.max_queue) {
    ++counts_.refused;
    throw Error(ErrorCode::kQueueFull, "expected fewer than " + std::to_string(options_.max_queue) +
                                           " requests under way; try again later");
  }
  const RequestId id = entry->id = ++last_id_;
  ++live_;
  entry->ticket = std::move(ticket);
  const bool borrowed = entry->ticket.borrowed;
  const bool at_once = borrowed && queue_.empty() && !sealed_ && forming_.has_room(entry->ticket);
  if (borrowed && !at_once) keep(*entry, lock);
  ++counts_.submitted;
  ++quiet_;
  new_deadline_ |= entry->ticket.deadline != Clock::time_point::max();
  if (at_once) {
    preprocess(std::move(entry), lock);
  } else {
    queue_.push(std::move(entry));
  }
  const bool full = fills_a_batch();
  lock.unlock();
  if (full) wake();
  return id;
}

void Scheduler::wake() {
  RequestId last = 0;
  {
    const std::lock_guard lock(mutex_);
    notify();
    last = last_id_;
  }
  // Stored last, because a spinning thread takes the mutex as soon as it sees the new value.
  submissions_.store(last, std::memory_order_release);
}

// Copies the input without holding the mutex. The threads may have ended during that time. If it
// throws, the request no longer has a place in the queue.
void Scheduler::keep(Entry& entry, std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  std::exception_ptr error;
  try {
    entry.request->keep();
  } catch (...) {
    error = std::current_exception();
  }
  lock.lock();
  if (!error && lost_) error = lost_;
  if (!error && stopping_) error = std::make_exception_ptr(disposed());
  if (!error) return;
  --live_;
  std::rethrow_exception(error);
}

bool Scheduler::cancel(RequestId id) {
  std::unique_ptr<Entry> removed;
  const std::lock_guard lock(mutex_);
  removed = queue_.remove(id);
  if (!removed) return false;
  --live_;
  ++counts_.dropped;
  return true;
}

void Scheduler::abandon(const Client* client) {
  std::vector<std::unique_ptr<Entry>> removed;
  std::vector<Due> dropped;
  std::unique_lock lock(mutex_);
  removed = queue_.remove_of(client);
  live_ -= removed.size();
  counts_.dropped += removed.size();
  const auto theirs = [client](const std::unique_ptr<Entry>& entry) {
    return entry->ticket.client.get() == client;
  };
  preprocessed_.wait(lock, [&] {
    return std::ranges::none_of(forming_.entries(), [&](const auto& entry) {
      return theirs(entry) && entry->preprocessing;
    });
  });
  for (Batch* batch : {&forming_, &running_}) {
    for (const auto& entry : batch->entries()) {
      if (!theirs(entry) || entry->settled) continue;
      dropped.push_back(settle(*entry));
      ++counts_.dropped;
    }
  }
}

// The caller holds the mutex.
void Scheduler::notify() {
  if (state_ == Runner::kIdle) runner_wakes_.notify_one();
  if (state_ != Runner::kIdle || new_deadline_) preprocessor_wakes_.notify_one();
  quiet_ = 0;
  new_deadline_ = false;
}

bool Scheduler::fills_a_batch() const {
  return forming_.size() + queue_.size() >= options_.max_batch ||
         forming_.weight() + queue_.weight() >= options_.max_weight;
}

bool Scheduler::ready_to_run() const {
  const size_t count = forming_.size() + queue_.size();
  if (count == 0 || stopping_ || fills_a_batch()) return count > 0;
  return delay_ends() <= Clock::now();
}

Clock::time_point Scheduler::delay_ends() const {
  if (forming_.size() + queue_.size() <= quiet_) return Clock::time_point::max();
  if (options_.max_delay == Clock::duration::zero()) return Clock::time_point::min();
  Clock::time_point oldest = queue_.empty() ? Clock::time_point::max() : queue_.oldest();
  if (!forming_.empty()) oldest = std::min(oldest, forming_.oldest());
  return oldest == Clock::time_point::max() ? oldest : oldest + options_.max_delay;
}

void Scheduler::run_loop(BatchRunner& runner) {
  std::unique_lock lock(mutex_);
  for (;;) {
    state_ = Runner::kIdle;
    if (!ready_to_run() && !stopping_) spin(lock);
    while (!ready_to_run() && !stopping_) {
      const auto until = delay_ends();
      if (until == Clock::time_point::max() || until == Clock::time_point::min()) {
        runner_wakes_.wait(lock);
      } else {
        runner_wakes_.wait_until(lock, until);
      }
    }
    if (!ready_to_run()) break;  // stopping, and nothing is left to run
    const EngineInUse in_use;
    form(lock);
    if (!running_.empty()) run(runner, lock);
  }
  finished_ = true;
  preprocessor_wakes_.notify_one();
}

// Clients often send the next request as soon as they get a result. For a short time, polling is
// faster than being woken.
void Scheduler::spin(std::unique_lock<std::mutex>& lock) {
  const uint64_t seen = submissions_.load(std::memory_order_relaxed);
  lock.unlock();
  const auto end = Clock::now() + kSpin;
  while (submissions_.load(std::memory_order_relaxed) == seen && Clock::now() < end) {
    std::this_thread::yield();
  }
  lock.lock();
}

// Takes queued requests, waits for those that are being preprocessed, and swaps the batches. Then
// it moves the remaining slots together, without holding the mutex.
void Scheduler::form(std::unique_lock<std::mutex>& lock) {
  state_ = Runner::kForming;
  if (queue_.size() > 1) preprocessor_wakes_.notify_one();
  while (!queue_.empty() && forming_.has_room(queue_.next())) preprocess(queue_.pop(), lock);
  sealed_ = true;
  preprocessed_.wait(lock, [this] { return preprocessing_ == 0; });
  sealed_ = false;
  std::swap(forming_, running_);
  std::vector<std::pair<Due, std::exception_ptr>> failed;
  const auto moves = running_.keep_only([&](Entry& entry) {
    if (entry.settled) return false;
    if (!entry.error) return true;
    failed.emplace_back(settle(entry), entry.error);
    ++counts_.failed;
    return false;
  });
  if (failed.empty() && moves.empty()) return;
  lock.unlock();
  // This copies megabytes, and may wait for a device.
  for (const SlotMove& move : moves) running_.move(move);
  for (auto& [due, error] : failed) {
    due.request->fail(error);
    due.client->flush();
  }
  lock.lock();
}

// Gives the entry a slot, and fills it without holding the mutex.
void Scheduler::preprocess(std::unique_ptr<Entry> owned, std::unique_lock<std::mutex>& lock) {
  Entry& entry = *owned;
  const Slot slot = forming_.add(std::move(owned));
  entry.preprocessing = true;
  ++preprocessing_;
  lock.unlock();
  const auto begin = Clock::now();
  try {
    entry.request->preprocess(slot);
    slot.filled();
  } catch (...) {
    entry.error = std::current_exception();
  }
  entry.preprocessing_time = Clock::now() - begin;
  preprocess_time_.record(entry.preprocessing_time);
  lock.lock();
  entry.preprocessing = false;
  --preprocessing_;
  preprocessed_.notify_all();
  // Deadlines are not checked during preprocessing, so this one is checked now.
  if (entry.ticket.deadline != Clock::time_point::max()) preprocessor_wakes_.notify_one();
}

void Scheduler::preprocess_loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto has_work = [this] {
      return state_ != Runner::kIdle && !sealed_ && !queue_.empty() &&
             forming_.has_room(queue_.next());
    };
    const auto deadline = next_deadline();
    if (deadline <= Clock::now()) {
      std::vector<Due> due = settle_timed_out();
      lock.unlock();
      deliver_failure(std::move(due), timed_out());
      lock.lock();
    } else if (has_work()) {
      preprocess(queue_.pop(), lock);
    } else if (finished_) {
      return;
    } else if (deadline == Clock::time_point::max()) {
      preprocessor_wakes_.wait(lock);
    } else {
      preprocessor_wakes_.wait_until(lock, deadline);
    }
  }
}

// The caller holds the mutex. It delivers the result later, without holding it.
Scheduler::Due Scheduler::settle(Entry& entry) {
  entry.settled = true;
  --live_;
  return {std::move(entry.request), entry.ticket.client};
}

// Also settles requests in batches. A request that is being preprocessed is checked afterwards.
std::vector<Scheduler::Due> Scheduler::settle_timed_out() {
  const auto now = Clock::now();
  std::vector<Due> due;
  for (auto& entry : queue_.remove_timed_out(now)) due.push_back(settle(*entry));
  for (Batch* batch : {&forming_, &running_}) {
    for (const auto& entry : batch->entries()) {
      if (entry->settled || entry->preprocessing || entry->ticket.deadline > now) continue;
      due.push_back(settle(*entry));
    }
  }
  counts_.timed_out += due.size();
  return due;
}

Clock::time_point Scheduler::next_deadline() const {
  return std::min({queue_.next_deadline(), forming_.next_deadline(), running_.next_deadline()});
}

void Scheduler::deliver_failure(std::vector<Due> due, const std::exception_ptr& error) {
  std::set<Client*> clients;
  for (Due& one : due) {
    one.request->fail(error);
    clients.insert(one.client.get());
  }
  for (Client* client : clients) client->flush();
}

SchedulerStats Scheduler::stats() const {
  SchedulerStats stats;
  {
    const std::lock_guard lock(mutex_);
    stats = counts_;
    stats.queued = queue_.size();
    stats.in_batches = live_ - queue_.size();
  }
  stats.open_ms = std::chrono::duration<double, std::milli>(Clock::now() - opened_).count();
  stats.preprocess = preprocess_time_.summary();
  stats.queue = queue_time_.summary();
  stats.run = run_time_.summary();
  return stats;
}

}  // namespace llm2clip
