#include "ops/helper_pool.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

#include "base/futex.h"
#include "base/spin.h"
#include "base/threads.h"

namespace llm2clip {
namespace {

// After the system refused to start a thread, it is not asked again for this time.
constexpr auto kRefused = std::chrono::seconds(1);

std::atomic<HelperPool*> of_this_process{nullptr};

}  // namespace

Job::Job(Call* call, const void* body, int64_t shares)
    : call_(call), body_(body), shares_(shares), processor_(::sched_getcpu()) {}

bool Job::is_on_owners_processor() const { return ::sched_getcpu() == processor_; }

void Job::work(int64_t worker) noexcept {
  try {
    for (;;) {
      const int64_t share = next_.fetch_add(1, std::memory_order_relaxed);
      if (share >= shares_) return;
      call_(body_, share, worker);
    }
  } catch (...) {
    next_.store(shares_, std::memory_order_relaxed);  // skips the rest
    if (!failed_.exchange(true)) error_ = std::current_exception();
  }
}

void Job::rethrow() const {
  if (error_ != nullptr) std::rethrow_exception(error_);
}

void Helper::offer(Job& job, int64_t worker) {
  job_ = &job;
  worker_ = worker;
  if (state_.exchange(kOffered) == kAsleep) futex_wake_one(state_);
}

void Helper::recall() {
  uint32_t state = kOffered;
  if (state_.compare_exchange_strong(state, kFree)) return;
  const auto is_elsewhere = [this] {
    return processor_.load(std::memory_order_relaxed) != ::sched_getcpu();
  };
  if (state == kWorking) state = spin_while(state_, kWorking, is_elsewhere);
  if (state != kWorking) return;  // it has finished, and may sleep by now
  if (state_.compare_exchange_strong(state, kAwaited)) futex_wait(state_, kAwaited);
}

template <typename MaySpin>
void Helper::accept(std::atomic<int64_t>& awake, const MaySpin& may_spin) {
  for (;;) {
    uint32_t state = spin_while(state_, kFree, may_spin);
    if (state == kFree && state_.compare_exchange_strong(state, kAsleep)) {
      --awake;
      futex_wait(state_, kAsleep);
      ++awake;
    }
    state = kOffered;
    processor_.store(::sched_getcpu(), std::memory_order_relaxed);
    if (state_.compare_exchange_strong(state, kWorking)) return;
  }
}

void Helper::finish() {
  // The owner may free the job as soon as the state is kFree.
  if (state_.exchange(kFree) == kAwaited) futex_wake_one(state_);
}

HelperPool& HelperPool::shared() {
  static const int forgets_when_forked =
      ::pthread_atfork(nullptr, nullptr, [] { of_this_process = nullptr; });
  static_cast<void>(forgets_when_forked);
  HelperPool* pool = of_this_process.load();
  if (pool != nullptr) return *pool;
  auto* const made = new HelperPool;  // never freed; see the class
  if (of_this_process.compare_exchange_strong(pool, made)) return *made;
  delete made;
  return *pool;
}

// Each run gets its part of the processors, and what the other runs cannot use of theirs.
int64_t HelperPool::fair_threads(int64_t threads, int64_t processors) const {
  return std::min(threads, std::max(processors / runs_, processors - (wanted_ - threads)));
}

void HelperPool::lend(int64_t threads, int64_t processors, std::vector<Helper*>& helpers) {
  const std::lock_guard lock(mutex_);
  ++runs_;
  wanted_ += threads;
  processors_.store(processors, std::memory_order_relaxed);
  const int64_t most = fair_threads(threads, processors) - 1;
  while (static_cast<int64_t>(helpers.size()) < most) {
    Helper* next = nullptr;
    if (!idle_.empty()) {
      next = idle_.back();
      idle_.pop_back();
    } else if (static_cast<int64_t>(all_.size()) < processors - 1) {
      next = start();
    }
    if (next == nullptr) return;
    helpers.push_back(next);
  }
}

void HelperPool::take_back(int64_t threads, std::vector<Helper*>& helpers) noexcept {
  const std::lock_guard lock(mutex_);
  --runs_;
  wanted_ -= threads;
  // The first helper comes last, so that it is lent first again and gets the same worker's memory.
  for (; !helpers.empty(); helpers.pop_back()) idle_.push_back(helpers.back());
}

Helper* HelperPool::start() {
  const auto now = std::chrono::steady_clock::now();
  if (now < may_start_) return nullptr;
  const size_t before = all_.size();
  try {
    idle_.reserve(before + 1);  // so that take_back() allocates nothing
    Helper& helper = all_.emplace_back();
    ++awake_;
    start_thread([this, &helper] { help(helper); }).detach();
    return &helper;
  } catch (...) {
    if (all_.size() > before) {
      all_.pop_back();
      --awake_;
    }
    may_start_ = now + kRefused;
    return nullptr;
  }
}

void HelperPool::help(Helper& self) {
  // It gives way to the owner of its last job, if they are on one processor, and to all others.
  bool is_in_the_way = false;
  const auto may_spin = [&] {
    return !is_in_the_way &&
           awake_.load(std::memory_order_relaxed) + runs_.load(std::memory_order_relaxed) <=
               processors_.load(std::memory_order_relaxed);
  };
  for (;;) {
    self.accept(awake_, may_spin);
    self.job_->work(self.worker_);
    is_in_the_way = self.job_->is_on_owners_processor();
    self.finish();
  }
}

}  // namespace llm2clip
