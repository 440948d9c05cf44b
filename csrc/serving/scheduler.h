#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "serving/batch.h"
#include "serving/batch_runner.h"
#include "serving/exit_guard.h"
#include "serving/request_queue.h"
#include "serving/scheduler_stats.h"

namespace llm2clip {

struct SchedulerOptions {
  size_t max_batch = 1;
  size_t slot_size = 0;         // numbers of an image or a feature
  size_t text_size = 0;         // most tokens of a text; 0: it takes none
  size_t max_queue = 1024;      // requests taken in and not settled
  Clock::duration max_delay{};  // how long a batch may wait for company; zero: not at all
  // Of the requests in a batch of more than one, together.
  size_t max_weight = std::numeric_limits<size_t>::max();
};

// Makes batches of single requests and runs them. Two threads: the runner's own, on which it is
// opened, run and destroyed, and one that prepares the next batch meanwhile. Work-conserving:
// whenever the runner is free it takes what is queued, up to the largest batch.
class Scheduler {
 public:
  using Open = std::function<std::unique_ptr<BatchRunner>()>;

  // Waits until `open` has returned on the runner's thread; throws what it throws.
  Scheduler(SchedulerOptions options, Open open);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Throws ERR_QUEUE_FULL, ERR_DISPOSED after close(), ERR_DEVICE_LOST; the request is then gone.
  // Does not begin a batch before wake(), unless that is full.
  RequestId submit(std::unique_ptr<Request> request, Ticket ticket);

  // After one or more submit(): what is asked for together gets into one batch together.
  void wake();

  // Drops a request that still waits, and says so; one in a batch is delivered as ever.
  bool cancel(RequestId id);

  // Drops all of a client's requests. When it returns, none of them is being prepared any more and
  // the client hears nothing more, but for what is being delivered at this moment.
  void abandon(const Client* client);

  // Runs what is queued, then ends the threads. From any thread but its own; idempotent.
  void close();

  SchedulerStats stats() const;

 private:
  // A request that its client is to hear of.
  struct Due {
    std::unique_ptr<Request> request;
    std::shared_ptr<Client> client;
  };
  enum class Runner { kIdle, kForming, kRunning };

  void stop();
  void run_loop(BatchRunner& runner);
  void prepare_loop();

  void spin(std::unique_lock<std::mutex>& lock);
  bool fills_a_batch() const;
  bool ready_to_run() const;
  Clock::time_point delay_ends() const;
  void prepare(std::unique_ptr<Entry> entry, std::unique_lock<std::mutex>& lock);
  void form(std::unique_lock<std::mutex>& lock);
  void run(BatchRunner& runner, std::unique_lock<std::mutex>& lock);
  void run_range(BatchRunner& runner, size_t first, size_t count, bool split);
  bool run_once(BatchRunner& runner, size_t first, size_t count, std::exception_ptr& error);

  void keep(Entry& entry, std::unique_lock<std::mutex>& lock);
  void notify();
  Due settle(Entry& entry);
  std::vector<Due> settle_expired();
  Clock::time_point next_deadline() const;
  void lose(const std::exception_ptr& error);
  void complete(size_t first, size_t count, const Embeddings& result);
  void fail(size_t first, size_t count, const std::exception_ptr& error);
  static void deliver_failure(std::vector<Due> due, const std::exception_ptr& error);

  const SchedulerOptions options_;
  const Clock::time_point opened_ = Clock::now();

  mutable std::mutex mutex_;
  std::condition_variable runner_wakes_, preparer_wakes_, prepared_;
  // All below is guarded by mutex_; the running batch's pixels and order are the runner's.
  RequestQueue queue_;
  Batch forming_, running_;
  bool sealed_ = false;  // the forming batch takes no more
  // Since the last wake():
  size_t quiet_ = 0;           // submitted
  bool new_deadline_ = false;  // one of them has a deadline
  size_t preparing_ = 0;
  size_t live_ = 0;  // taken in and not settled
  Runner state_ = Runner::kIdle;
  bool stopping_ = false;
  bool finished_ = false;  // the runner's thread takes no more
  std::exception_ptr lost_;
  RequestId last_id_ = 0;
  SchedulerStats counts_;

  std::atomic<RequestId> submissions_{0};  // the last id, to be looked at without the mutex
  Histogram prepare_time_, queue_time_, run_time_;
  std::once_flag joined_;
  std::optional<EngineInUse> ending_;  // until the runner's thread, with what it leaves, is gone
  std::jthread runner_, preparer_;
};

}  // namespace llm2clip
