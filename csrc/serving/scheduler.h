#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace llm2clip {

// One picture on its way. All calls come from the scheduler's thread; exactly one of complete and
// fail is called, once.
class Request {
 public:
  virtual ~Request() = default;
  // Writes the pixels [3, S, S] into its slot of the batch. What it throws fails this request
  // alone.
  virtual void prepare(std::span<float> slot) = 0;
  virtual void complete(std::span<const float> embedding) = 0;
  virtual void fail(std::exception_ptr error) = 0;
};

// What runs a batch: pixels [batch, slot] → embeddings [batch, dim], valid until the next run.
class BatchRunner {
 public:
  virtual ~BatchRunner() = default;
  virtual std::span<const float> run(std::span<const float> pixels, int64_t batch) = 0;
};

struct SchedulerOptions {
  int64_t max_batch;
  int64_t slot_size;  // floats of one picture
};

// Owns the one thread on which a runner is opened, run and destroyed. Work-conserving: whenever the
// runner is free it takes what is queued, in order, up to the largest batch.
class Scheduler {
 public:
  // Waits until `open` has returned on the new thread; throws what it throws.
  Scheduler(const SchedulerOptions& options, std::function<std::unique_ptr<BatchRunner>()> open);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // A request submitted after close or cancel fails at once with ERR_DISPOSED.
  void submit(std::unique_ptr<Request> request);
  // Runs what is queued, then ends the thread. From any thread but its own; idempotent.
  void close();
  // Fails what is queued with ERR_DISPOSED, waits for the batch that runs, ends the thread.
  void cancel();

 private:
  using Batch = std::vector<std::unique_ptr<Request>>;

  void loop(BatchRunner& runner);
  Batch next_batch();
  void prepare(Batch& batch);
  void run(BatchRunner& runner, Batch batch);
  void run_one_by_one(BatchRunner& runner, Batch& batch);
  void stop(bool drain);

  const SchedulerOptions options_;
  std::vector<float> pixels_;  // [max_batch, slot]; the scheduler's thread alone

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Request>> queue_;  // guarded by mutex_
  bool stopping_ = false;                       // guarded by mutex_

  std::once_flag joined_;
  std::thread thread_;
};

}  // namespace llm2clip
