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
  size_t text_size = 0;         // most tokens of a text; 0: no texts
  size_t max_queue = 1024;      // accepted requests that are not settled
  Clock::duration max_delay{};  // time that a batch may wait for further requests
  // Limit of the total weight of a batch with more than one request.
  size_t max_weight = std::numeric_limits<size_t>::max();
};

// Forms batches of single requests and runs them. It has two threads: the runner's thread, on which
// the runner is opened, used and destroyed, and one that preprocesses the next batch during a run.
// It is work-conserving: whenever the runner is free, it takes what is queued, up to the largest
// batch.
class Scheduler {
 public:
  using Open = std::function<std::unique_ptr<BatchRunner>()>;

  // Waits until `open` has returned on the runner's thread, and throws its exceptions.
  Scheduler(SchedulerOptions options, Open open);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Throws ERR_QUEUE_FULL, ERR_DISPOSED after close(), and ERR_DEVICE_LOST; the request is then
  // destroyed. A batch does not start before wake() unless it is full.
  RequestId submit(std::unique_ptr<Request> request, Ticket ticket);

  // Must be called after one or more submit() calls. Requests that are submitted together run in
  // one batch.
  void wake();

  // Drops a request that is still waiting, and returns whether it was. A request in a batch is
  // delivered as usual.
  bool cancel(RequestId id);

  // Drops all requests of a client. When it returns, none of them is being preprocessed, and the
  // client gets no further results except those that are being delivered at this moment.
  void abandon(const Client* client);

  // Runs what is queued, then ends the threads. It may be called repeatedly, from any thread but
  // its own.
  void close();

  SchedulerStats stats() const;

 private:
  // A request whose client must get a result.
  struct Due {
    std::unique_ptr<Request> request;
    std::shared_ptr<Client> client;
  };
  enum class Runner { kIdle, kForming, kRunning };

  void stop();
  void run_loop(BatchRunner& runner);
  void preprocess_loop();

  void spin(std::unique_lock<std::mutex>& lock);
  bool fills_a_batch() const;
  bool ready_to_run() const;
  Clock::time_point delay_ends() const;
  void preprocess(std::unique_ptr<Entry> entry, std::unique_lock<std::mutex>& lock);
  void form(std::unique_lock<std::mutex>& lock);
  void run(BatchRunner& runner, std::unique_lock<std::mutex>& lock);
  void run_range(BatchRunner& runner, size_t first, size_t count, bool split);
  bool run_once(BatchRunner& runner, size_t first, size_t count, std::exception_ptr& error);

  void keep(Entry& entry, std::unique_lock<std::mutex>& lock);
  void notify();
  Due settle(Entry& entry);
  std::vector<Due> settle_timed_out();
  Clock::time_point next_deadline() const;
  void lose(const std::exception_ptr& error);
  void complete(size_t first, size_t count, const Embeddings& result);
  void fail(size_t first, size_t count, const std::exception_ptr& error);
  static void deliver_failure(std::vector<Due> due, const std::exception_ptr& error);

  const SchedulerOptions options_;
  const Clock::time_point opened_ = Clock::now();

  mutable std::mutex mutex_;
  std::condition_variable runner_wakes_, preprocessor_wakes_, preprocessed_;
  // mutex_ guards all members below. Only the runner uses the running batch's pixels and order.
  RequestQueue queue_;
  Batch forming_, running_;
  bool sealed_ = false;  // no request may join the forming batch
  // Since the last wake():
  size_t quiet_ = 0;           // number of submitted requests
  bool new_deadline_ = false;  // whether one of them has a deadline
  size_t preprocessing_ = 0;
  size_t live_ = 0;  // accepted requests that are not settled
  Runner state_ = Runner::kIdle;
  bool stopping_ = false;
  bool finished_ = false;  // the runner's thread takes no more requests
  std::exception_ptr lost_;
  RequestId last_id_ = 0;
  SchedulerStats counts_;

  std::atomic<RequestId> submissions_{0};  // the last id, for reading without the mutex
  Histogram preprocess_time_, queue_time_, run_time_;
  std::once_flag joined_;
  // Exists until the runner's thread has ended and freed everything.
  std::optional<EngineInUse> ending_;
  std::jthread runner_, preprocessor_;
};

}  // namespace llm2clip
