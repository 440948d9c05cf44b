// Tests the threads of the CPU engine: teams and the pool that lends them helpers.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "expect.h"
#include "ops/team.h"
#include "thread_limit.h"

namespace llm2clip::testing {
namespace {

// More than this machine may have, so that there are several helpers.
constexpr int64_t kProcessors = 4;

// Waits until `most` threads have arrived.
class Meeting {
 public:
  explicit Meeting(int64_t most) : left_(most) {}
  void arrive() {
    --left_;
    while (left_ > 0) std::this_thread::yield();
  }

 private:
  std::atomic<int64_t> left_;
};

// A run that ends only if as many threads as this work at once.
void meet(Team& team, int64_t threads) {
  Meeting meeting(threads);
  std::atomic<int64_t> workers = 0;  // a bit for each
  team.run(threads, [&](int64_t, int64_t worker) {
    workers |= int64_t{1} << worker;
    meeting.arrive();
  });
  EXPECT(workers == (int64_t{1} << threads) - 1);
}

// True when each share is run once, by a worker that is used by one thread only.
bool runs_each_share_once(Team& team, int64_t shares) {
  std::vector<std::atomic<int>> runs(static_cast<size_t>(shares));
  std::vector<std::atomic<int>> inside(static_cast<size_t>(team.count()));
  std::atomic<bool> alone = true;
  team.run(shares, [&](int64_t share, int64_t worker) {
    const auto w = static_cast<size_t>(worker);
    if (inside.at(w)++ != 0) alone = false;
    auto* const own = reinterpret_cast<int64_t*>(team.scratch(worker, 64 * 1024));
    *own = share;
    ++runs.at(static_cast<size_t>(share));
    if (*own != share) alone = false;
    --inside.at(w);
  });
  for (const auto& count : runs) {
    if (count != 1) return false;
  }
  return alone;
}

// Runs first, because there are no helpers yet.
void test_no_threads() {
  Team team(4, kProcessors);
  {
    const ThreadLimit limit(0);
    std::set<int64_t> workers;
    team.run(1000, [&](int64_t, int64_t worker) { workers.insert(worker); });
    EXPECT(workers == std::set<int64_t>{0});
  }
  {
    const ThreadLimit limit(1);
    for (bool met = false; !met;) {  // until the pool asks for a thread again
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      std::atomic<int> workers = 0;
      team.run(3, [&](int64_t, int64_t worker) {
        workers |= 1 << worker;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      });
      met = workers == 3;
    }
    EXPECT(runs_each_share_once(team, 100));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  meet(team, 4);
}

void test_shares() {
  for (const int64_t threads : {1, 2, 3, 4}) {
    Team team(threads, kProcessors);
    EXPECT(team.count() == threads);
    for (const int64_t shares : {0, 1, 2, 3, 4, 5, 64, 1000}) {
      EXPECT(runs_each_share_once(team, shares));
    }
    int64_t rows = 0;
    std::atomic<int64_t> sum = 0;
    team.run_rows(1003, [&](int64_t first, int64_t last) { sum += last - first; });
    team.run_rows(0, [&](int64_t, int64_t) { ++rows; });
    EXPECT(sum == 1003 && rows == 0);
  }
}

void test_count() {
  EXPECT(Team(0, kProcessors).count() == 1);
  EXPECT(Team(99, kProcessors).count() == kProcessors);
  EXPECT(Team(99).count() == usable_processors());
  EXPECT(Team(99, 1).count() == 1);
}

void test_alone() {
  const auto here = std::this_thread::get_id();
  Team one(1, kProcessors), four(4, kProcessors);
  bool elsewhere = false;
  const auto look = [&](int64_t, int64_t worker) {
    elsewhere |= worker != 0 || std::this_thread::get_id() != here;
  };
  one.run(100, look);
  four.run(1, look);
  EXPECT(!elsewhere);
}

// All threads work at once, when the helpers spin and when they sleep.
void test_at_once() {
  Team team(4, kProcessors);
  for (int i = 0; i < 100; ++i) {
    for (const int64_t threads : {4, 2, 3}) meet(team, threads);
    if (i % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

std::string message_of(const std::function<void()>& body) {
  try {
    body();
    return "none";
  } catch (const std::exception& error) {
    return error.what();
  }
}

void test_exceptions() {
  Team one(1, kProcessors), four(4, kProcessors);
  int64_t last = 0;
  EXPECT(message_of([&] {
           one.run(10, [&](int64_t share, int64_t) {
             last = share;
             if (share == 3) throw std::runtime_error("third");
           });
         }) == "third");
  EXPECT(last == 3);
  for (int i = 0; i < 50; ++i) {
    std::atomic<int64_t> runs = 0;
    Meeting meeting(4);
    EXPECT(message_of([&] {
             four.run(1'000'000, [&](int64_t share, int64_t worker) {
               if (share < 4) meeting.arrive();
               ++runs;
               if (worker == i % 4) throw std::runtime_error("thrown by one");
               std::this_thread::sleep_for(std::chrono::milliseconds(1));
             });
           }) == "thrown by one");
    EXPECT(runs < 1'000'000);
    // Each thread may throw, and one exception arrives.
    EXPECT(message_of([&] {
             four.run(4, [](int64_t, int64_t) { throw std::runtime_error("thrown by all"); });
           }) == "thrown by all");
    EXPECT(runs_each_share_once(four, 16));
  }
}

void test_many_teams() {
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      Team team(2 + t % 3, kProcessors);
      for (int i = 0; i < 300; ++i) wrong += runs_each_share_once(team, i % 40) ? 0 : 1;
    });
  }
  threads.clear();
  EXPECT(wrong == 0);
}

void test_short_lives() {
  int wrong = 0;
  for (int i = 0; i < 1000; ++i) {
    Team team(1 + i % 4, kProcessors);
    wrong += runs_each_share_once(team, 8) ? 0 : 1;
  }
  EXPECT(wrong == 0);
}

// A run that takes all helpers does not stop another, and gives half of them away at its next run.
void test_fairness() {
  Team first(4, kProcessors), second(4, kProcessors);
  std::atomic<bool> second_began = false, second_may_end = false;
  std::jthread other;
  Meeting all(4);
  first.run(4, [&](int64_t, int64_t worker) {
    all.arrive();
    if (worker != 0) return;
    std::atomic<int> runs = 0;
    second.run(4, [&](int64_t, int64_t) { ++runs; });  // with whatever is left
    EXPECT(runs == 4);
    other = std::jthread([&] {
      second.run(4, [&](int64_t, int64_t) {
        second_began = true;
        while (!second_may_end) std::this_thread::yield();
      });
      meet(second, 2);
    });
    while (!second_began) std::this_thread::yield();
  });
  std::atomic<int64_t> workers = 0;
  first.run(1000, [&](int64_t, int64_t worker) { workers |= int64_t{1} << worker; });
  EXPECT(workers <= 3);
  Meeting two(2);
  first.run(4, [&](int64_t share, int64_t) {
    if (share < 2) two.arrive();
    second_may_end = true;
    if (share == 0) other.join();  // The other team finds helpers while this one has its own.
  });
}

// Runs `body` in a child process and returns the status that it ends with.
[[maybe_unused]] int status_of_child(const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // ends it if it hangs
    ::_exit(body() ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

// A child process has none of the helpers, and may be made in the middle of another thread's run.
void test_fork() {
#if defined(__SANITIZE_THREAD__)
  std::printf("skipped a child process: ThreadSanitizer lets it start no threads\n");
#else
  Team team(4, kProcessors);
  meet(team, 4);
  std::atomic<bool> stop = false;
  std::jthread other([&] {
    Team busy(4, kProcessors);
    while (!stop) busy.run(8, [](int64_t, int64_t) {});
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT(status_of_child([&] {
             meet(team, 4);
             Team fresh(3, kProcessors);
             meet(fresh, 3);
             return runs_each_share_once(fresh, 50);
           }) == 0);
  }
  stop = true;
  other.join();
  meet(team, 4);
#endif
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  return run_tests({{"a system that starts no threads", test_no_threads},
                    {"every share once", test_shares},
                    {"the number of threads", test_count},
                    {"work for one thread stays on it", test_alone},
                    {"threads work at once", test_at_once},
                    {"exceptions", test_exceptions},
                    {"many teams at once", test_many_teams},
                    {"teams made and destroyed", test_short_lives},
                    {"two teams divide the processors", test_fairness},
                    {"a child process", test_fork}});
}
