#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <vector>

namespace llm2clip {

// Shares of work that the thread of the job's owner and its helpers take from. The owner keeps it
// on its stack.
class Job {
 public:
  using Call = void(const void* body, int64_t share, int64_t worker);
  // The owner's thread makes it.
  Job(Call* call, const void* body, int64_t shares);

  // Takes shares until there are no more.
  void work(int64_t worker) noexcept;
  // True when the system runs this thread and the owner by turns, on one processor.
  bool is_on_owners_processor() const;
  bool has_shares() const { return next_.load(std::memory_order_relaxed) < shares_; }
  // Throws the first exception of a share. Call it when nobody works on the job any more.
  void rethrow() const;

 private:
  Call* const call_;
  const void* const body_;
  const int64_t shares_;
  const int processor_;                       // of the owner
  alignas(64) std::atomic<int64_t> next_{0};  // a cache line of its own
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;  // of the thread that set failed_
};

// A thread of the pool, seen by the owner of the job that it is lent to.
class alignas(64) Helper {
 public:
  // Gives the helper a job, which it will begin soon.
  void offer(Job& job, int64_t worker);
  // Returns when the helper does not work on the job and never will: takes the offer back, or waits
  // if the helper has begun.
  void recall();

 private:
  friend class HelperPool;
  enum State : uint32_t {
    kFree,     // waits for an offer, and looks at it often
    kAsleep,   // waits for an offer, and must be woken
    kOffered,  // has an offer
    kWorking,  // works on the job
    kAwaited,  // works on the job, and must wake its owner
  };
  // Waits for an offer and accepts it.
  template <typename MaySpin>
  void accept(std::atomic<int64_t>& awake, const MaySpin& may_spin);
  void finish();

  std::atomic<uint32_t> state_{kFree};
  std::atomic<int> processor_{-1};  // on which it began to work
  Job* job_ = nullptr;              // written by the owner before kOffered, as is worker_
  int64_t worker_ = 0;
};

// The threads that all teams of the process share. Threads start on demand and stay. A pool is
// never destroyed, because its threads may outlive the statics of this library. It may be used from
// any thread.
class HelperPool {
 public:
  // The pool of this process. A child process gets its own, because it has no thread of its
  // parent's pool.
  static HelperPool& shared();
  HelperPool(const HelperPool&) = delete;

  // Fills `helpers`, which is empty, for a run that can use `threads` threads, including the
  // caller's, on `processors` processors. Lends fewer when others need them, or none. Allocates
  // nothing if `helpers` has the capacity for all. Those that were lent last are lent first,
  // because they are awake.
  void lend(int64_t threads, int64_t processors, std::vector<Helper*>& helpers);
  // Takes the helpers of the same run back and empties `helpers`. They must have been recalled.
  void take_back(int64_t threads, std::vector<Helper*>& helpers) noexcept;

 private:
  HelperPool() = default;
  ~HelperPool() = default;
  int64_t fair_threads(int64_t threads, int64_t processors) const;
  Helper* start();  // Returns nullptr when the system starts no more threads.
  void help(Helper& self);

  std::mutex mutex_;
  // Guarded by mutex_:
  std::deque<Helper> all_;
  std::vector<Helper*> idle_;
  int64_t wanted_ = 0;                                 // threads that the current runs can use
  std::chrono::steady_clock::time_point may_start_{};  // when to try to start a thread again
  // These are read without the mutex to decide whether to spin:
  std::atomic<int64_t> runs_{0};
  std::atomic<int64_t> awake_{0};  // helpers that do not sleep
  std::atomic<int64_t> processors_{0};
};

}  // namespace llm2clip
