// Tests code that starts threads on a system that starts no more of them.
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/threads.h"
#include "engine/served_session.h"
#include "expect.h"
#include "scheduler_bench.h"
#include "search/search.h"
#include "thread_limit.h"

namespace llm2clip::testing {
namespace {

template <typename Body>
std::string code_thrown_by(const Body& body) {
  try {
    body();
    return "none";
  } catch (...) {
    return code_of(std::current_exception());
  }
}

void test_start() {
  std::atomic<int> calls = 0;
  const auto count = std::make_shared<int>(0);
  {
    const ThreadLimit limit(1);
    start_thread([&] { ++calls; }).join();
    EXPECT(code_thrown_by([&] { start_thread([&calls, count] { ++calls; }); }) ==
           "ERR_OUT_OF_MEMORY");
  }
  EXPECT(calls == 1 && count.use_count() == 1);
  start_thread([&] { ++calls; }).join();
  EXPECT(calls == 2);
}

void test_own_thread() {
  const auto here = std::this_thread::get_id();
  EXPECT(on_own_thread([] { return std::this_thread::get_id(); }) != here);
  EXPECT(code_thrown_by([] { on_own_thread([] { throw Error(ErrorCode::kIo, "deliberate"); }); }) ==
         "ERR_IO");
  const ThreadLimit limit(0);
  bool ran = false;
  EXPECT(code_thrown_by([&] { on_own_thread([&] { ran = true; }); }) == "ERR_OUT_OF_MEMORY");
  EXPECT(!ran);
}

// Counts its living instances.
class CountedRunner final : public BatchRunner {
 public:
  explicit CountedRunner(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  ~CountedRunner() override { --alive_; }
  Embeddings run(const BatchView&, const Output&) override { return {}; }

 private:
  std::atomic<int>& alive_;
};

// If neither thread of the scheduler can be started, or not the second, the runner is closed again.
void test_scheduler() {
  for (const int started : {0, 1}) {
    std::atomic<int> alive = 0, opened = 0;
    const ThreadLimit limit(started);
    EXPECT(code_thrown_by([&] {
             Scheduler({.max_batch = 1, .slot_size = kSlot}, [&] {
               ++opened;
               return std::make_unique<CountedRunner>(alive);
             });
           }) == "ERR_OUT_OF_MEMORY");
    EXPECT(opened == started && alive == 0);
  }
}

// If there is no thread to wait for it, it is waited for here.
void test_release() {
  auto session = std::make_shared<ServedSession>();
  session->scheduler = std::make_unique<Scheduler>(
      SchedulerOptions{.max_batch = 1, .slot_size = kSlot},
      [] { return std::make_unique<FakeRunner>(FakeRunner::Behaviour{}, kSlot); });
  const std::weak_ptr<ServedSession> watched = session;
  const ThreadLimit limit(0);
  release_later(std::move(session));
  EXPECT(watched.expired());
}

// A search uses the threads that it gets.
void test_search() {
  constexpr int64_t kDim = 64, kRows = 70'000;
  std::mt19937 random(1);
  std::uniform_real_distribution<float> numbers(-1, 1);
  std::vector<float> vectors(kDim * kRows);
  for (float& x : vectors) x = numbers(random);
  VectorRows rows({Storage::kFp32, kDim});
  rows.add(vectors.data(), kRows);
  const Queries queries(vectors.data(), 1, rows.format());
  const SearchOptions options{3, 8, score_kernel(Storage::kFp32), nullptr};
  const auto expected = search(rows.snapshot(), queries, options);
  for (const int more : {0, 1}) {
    const ThreadLimit limit(more);
    const auto found = search(rows.snapshot(), queries, options);
    EXPECT(found[0].size() == 3);
    for (size_t i = 0; i < 3; ++i) EXPECT(found[0][i].row == expected[0][i].row);
  }
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  return run_tests({{"a thread that cannot be started", test_start},
                    {"a thread of its own", test_own_thread},
                    {"a scheduler without threads", test_scheduler},
                    {"a session let go of without a thread", test_release},
                    {"a search without threads", test_search}});
}
