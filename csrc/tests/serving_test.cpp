// Tests how requests end: refusals, timeouts, failures and closing. Also tests how their times are
// counted. The scheduler runs over a fake engine.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <future>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "expect.h"
#include "fake_runner.h"
#include "scheduler_bench.h"
#include "serving/histogram.h"
#include "serving/scheduler.h"

namespace llm2clip::testing {
namespace {

using std::chrono::milliseconds;

void test_full_queue() {
  Bench bench({.max_batch = 2, .max_queue = 4});
  bench.hold();
  for (int i = 0; i < 3; ++i) bench.submit(1);
  EXPECT(bench.refusal(1) == "ERR_QUEUE_FULL");
  const auto waiting = bench.submit(7, {.client = nullptr, .waits = true});
  EXPECT(bench.refusal(1) == "ERR_QUEUE_FULL");
  bench.release();
  EXPECT(bench.client->wait_for(5));
  EXPECT(waiting->value == 14);
  EXPECT(bench.refusal(1) == "none");
  EXPECT(bench.scheduler->stats().refused == 2);
}

void test_timeout() {
  Bench bench({.max_batch = 1});
  bench.hold();
  const auto soon = Clock::now() + milliseconds(20);
  const auto formed = bench.submit(1, {.client = nullptr, .deadline = soon});
  // On a busy machine the request may time out before it gets its slot.
  while (!formed->preprocessed && formed->settled == 0) std::this_thread::yield();
  const auto queued = bench.submit(2, {.client = nullptr, .deadline = soon});
  const auto patient = bench.submit(3);
  EXPECT(bench.client->wait_for(2));  // while the run is still held
  EXPECT(code_of(formed->error) == "ERR_TIMEOUT" && code_of(queued->error) == "ERR_TIMEOUT");
  bench.release();
  EXPECT(bench.client->wait_for(4));
  EXPECT(patient->value == 6 && formed->settled == 1 && queued->settled == 1);
  EXPECT((bench.order == std::vector<float>{-1, 3}));
  EXPECT(bench.scheduler->stats().timed_out == 2);
}

void test_timeout_while_running() {
  Bench bench({.max_batch = 1});
  bench.stop_runs();
  const auto late =
      bench.submit(1, {.client = nullptr, .deadline = Clock::now() + milliseconds(50)});
  EXPECT(bench.client->wait_for(1));
  EXPECT(code_of(late->error) == "ERR_TIMEOUT");
  bench.release();
  bench.scheduler->close();
  EXPECT(late->settled == 1);
}

void test_cancel() {
  Bench bench({.max_batch = 1});
  const auto running = bench.hold();
  const RequestId in_batch = bench.last_id;
  bench.submit(1);
  bench.wait_until_forming(2);
  const auto queued = bench.submit(2);
  EXPECT(bench.scheduler->cancel(bench.last_id));
  EXPECT(!bench.scheduler->cancel(bench.last_id));
  EXPECT(!bench.scheduler->cancel(in_batch));
  EXPECT(!bench.scheduler->cancel(999));
  bench.release();
  EXPECT(bench.client->wait_for(2));
  bench.scheduler->close();
  EXPECT(queued->settled == 0 && running->settled == 1);
  EXPECT(bench.scheduler->stats().dropped == 1);
}

void test_abandon() {
  Bench bench({.max_batch = 2});
  bench.hold();
  const auto gone = std::make_shared<FakeClient>();
  std::vector<std::shared_ptr<Outcome>> theirs;
  for (int i = 0; i < 5; ++i) theirs.push_back(bench.submit(1, {.client = gone}));
  const auto ours = bench.submit(4);
  bench.scheduler->abandon(gone.get());
  bench.release();
  EXPECT(bench.client->wait_for(2));
  bench.scheduler->close();
  EXPECT(ours->value == 8);
  for (const auto& outcome : theirs) EXPECT(outcome->settled == 0);
}

void test_poison() {
  const auto poisonous = [](std::span<const float> pixels, int64_t batch) {
    for (int64_t i = 0; i < batch; ++i) {
      if (pixels[static_cast<size_t>(i) * kSlot] == 13) throw std::runtime_error("poison");
    }
  };
  Bench bench({.max_batch = 32}, {.before = poisonous});
  bench.hold();
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 32; ++i) outcomes.push_back(bench.submit(static_cast<float>(i)));
  bench.release();
  EXPECT(bench.client->wait_for(33));
  for (int i = 0; i < 32; ++i) {
    EXPECT(outcomes[i]->settled == 1);
    EXPECT(i == 13 ? code_of(outcomes[i]->error) == "poison"
                   : outcomes[i]->value == static_cast<float>(2 * i));
  }
}

// Runs with more than `largest` images need too much memory.
void test_out_of_memory(int64_t largest, size_t failing) {
  const auto hungry = [largest](std::span<const float>, int64_t batch) {
    if (batch > largest) throw Error(ErrorCode::kOutOfMemory, "deliberate");
  };
  Bench bench({.max_batch = 8}, {.before = hungry});
  bench.hold();
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 8; ++i) outcomes.push_back(bench.submit(static_cast<float>(i)));
  bench.release();
  EXPECT(bench.client->wait_for(9));
  EXPECT(static_cast<size_t>(std::ranges::count_if(outcomes, [](const auto& outcome) {
           return code_of(outcome->error) == "ERR_OUT_OF_MEMORY";
         })) == failing);
}

void test_device_lost() {
  const auto fragile = [](std::span<const float> pixels, int64_t) {
    if (pixels[0] == 1) throw Error(ErrorCode::kDeviceLost, "deliberate");
  };
  Bench bench({.max_batch = 2}, {.before = fragile});
  bench.hold();
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 7; ++i) outcomes.push_back(bench.submit(1));
  bench.release();
  EXPECT(bench.client->wait_for(8));
  for (const auto& outcome : outcomes) EXPECT(code_of(outcome->error) == "ERR_DEVICE_LOST");
  EXPECT(bench.refusal(1) == "ERR_DEVICE_LOST");
}

void test_failing_preprocessing() {
  Bench bench({.max_batch = 8});
  bench.hold();
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 6; ++i)
    outcomes.push_back(bench.submit(i % 3 == 1 ? NAN : static_cast<float>(i)));
  bench.release();
  EXPECT(bench.client->wait_for(7));
  for (int i = 0; i < 6; ++i) {
    EXPECT(i % 3 == 1 ? code_of(outcomes[i]->error) == "deliberate"
                      : outcomes[i]->value == static_cast<float>(2 * i));
  }
  EXPECT((bench.sizes == std::vector<int64_t>{1, 4}));
}

void test_close() {
  Bench bench({.max_batch = 2});
  bench.hold();
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 5; ++i) outcomes.push_back(bench.submit(static_cast<float>(i)));
  auto closing = std::async(std::launch::async, [&] { bench.scheduler->close(); });
  while (bench.refusal(1) != "ERR_DISPOSED") std::this_thread::sleep_for(milliseconds(1));
  bench.release();
  closing.get();
  bench.scheduler->close();
  for (int i = 0; i < 5; ++i) EXPECT(outcomes[i]->value == static_cast<float>(2 * i));
}

void test_borrowed() {
  Bench bench({.max_batch = 2});
  bench.hold();
  const auto first = bench.submit(1, {.client = nullptr, .borrowed = true});
  const auto second = bench.submit(2, {.client = nullptr, .borrowed = true});
  EXPECT(first->preprocessed && second->preprocessed && !first->kept && !second->kept);
  const auto third = bench.submit(3, {.client = nullptr, .borrowed = true});
  EXPECT(!third->preprocessed && third->kept);
  bench.release();
  EXPECT(bench.client->wait_for(4));
  EXPECT(first->value == 2 && second->value == 4 && third->value == 6);
}

// Memory that runs out costs one request, not its place in the queue for ever.
void test_failing_copy() {
  Bench bench({.max_batch = 1, .max_queue = 4});
  bench.hold();
  bench.submit(1);
  bench.wait_until_forming(2);
  for (int i = 0; i < 5; ++i) {
    std::string code = "none";
    try {
      bench.submit(INFINITY, {.client = nullptr, .borrowed = true});
    } catch (...) {
      code = code_of(std::current_exception());
    }
    EXPECT(code == std::bad_alloc().what());
  }
  EXPECT(bench.refusal(2) == "none" && bench.refusal(3) == "none");
  EXPECT(bench.refusal(4) == "ERR_QUEUE_FULL");
  bench.release();
  EXPECT(bench.client->wait_for(4));
  bench.scheduler->close();
  const SchedulerStats stats = bench.scheduler->stats();
  EXPECT(stats.submitted == 4 && stats.completed == 4 && stats.in_batches == 0);
}

// Slots are moved while others submit: the test's move waits until somebody has.
void test_submit_while_moving() {
  std::promise<void> moving, submitted;
  bool in_time = false;
  const auto on_move = [&] {
    moving.set_value();
    in_time =
        submitted.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  };
  Bench bench({.max_batch = 2}, {.before = {}, .on_move = on_move});
  bench.hold();
  bench.submit(NAN);
  const auto moved = bench.submit(1);
  bench.wait_until_forming(3);
  bench.release();
  moving.get_future().wait();
  const auto other = bench.submit(2);
  submitted.set_value();
  EXPECT(bench.client->wait_for(4));
  EXPECT(in_time && moved->value == 2 && other->value == 4);
}

// No more slots are moved than others fell out.
void test_few_moves() {
  for (const int failing : {1, 3, 63}) {
    std::atomic<int> moves = 0;
    Bench bench({.max_batch = 64}, {.before = {}, .on_move = [&] { ++moves; }});
    bench.hold();
    std::vector<std::shared_ptr<Outcome>> outcomes;
    for (int i = 0; i < 64; ++i) {
      outcomes.push_back(bench.submit(i < failing ? NAN : static_cast<float>(i)));
    }
    bench.wait_until_forming(65);
    bench.release();
    EXPECT(bench.client->wait_for(65));
    EXPECT(moves > 0 && moves <= failing);
    for (int i = failing; i < 64; ++i) EXPECT(outcomes[i]->value == static_cast<float>(2 * i));
  }
}

void test_open_failure() {
  std::string code;
  try {
    Scheduler({.max_batch = 1, .slot_size = 1}, []() -> std::unique_ptr<BatchRunner> {
      throw Error(ErrorCode::kDeviceUnavailable, "deliberate");
    });
  } catch (...) {
    code = code_of(std::current_exception());
  }
  EXPECT(code == "ERR_DEVICE_UNAVAILABLE");
}

// Many submitters, priorities, deadlines, cancellations and failing images at once. Each request
// must be settled once or be cancelled, and must get its own value.
void test_storm() {
  const auto poisonous = [](std::span<const float> pixels, int64_t batch) {
    for (int64_t i = 0; i < batch; ++i) {
      if (pixels[static_cast<size_t>(i) * kSlot] == 500) throw std::runtime_error("poison");
    }
  };
  Bench bench({.max_batch = 8, .max_queue = 64}, {.before = poisonous});
  const auto submitter = [&](unsigned seed) {
    std::mt19937 random(seed);
    const auto client = std::make_shared<FakeClient>();
    for (int i = 0; i < 400; ++i) {
      auto outcome = std::make_shared<Outcome>();
      const auto pixel = static_cast<float>(random() % 501);
      Ticket ticket{
          .client = client,
          .priority = static_cast<int>(random() % 3),
          .output = {.kind = random() % 2 == 0 ? OutputKind::kPatches : OutputKind::kEmbedding},
          .waits = random() % 2 == 0,
          .borrowed = random() % 3 == 0};
      if (random() % 4 == 0)
        ticket.deadline = Clock::now() + std::chrono::microseconds(random() % 500);
      try {
        const RequestId id =
            bench.scheduler->submit(std::make_unique<FakeRequest>(pixel, outcome, client), ticket);
        bench.scheduler->wake();
        if (random() % 5 == 0 && bench.scheduler->cancel(id)) continue;
      } catch (const Error& error) {
        EXPECT(error.code() == ErrorCode::kQueueFull);
        continue;
      }
      if (random() % 50 == 0) {
        bench.scheduler->abandon(client.get());
        continue;
      }
      if (random() % 8 != 0) continue;
      while (outcome->settled == 0) std::this_thread::yield();
      if (!outcome->error) EXPECT(outcome->value == 2 * pixel);
    }
    bench.scheduler->abandon(client.get());
  };
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed) threads.emplace_back(submitter, seed);
  for (std::thread& thread : threads) thread.join();
  bench.scheduler->close();
  const SchedulerStats stats = bench.scheduler->stats();
  EXPECT(stats.queued == 0 && stats.in_batches == 0);
  EXPECT(stats.submitted == stats.completed + stats.failed + stats.timed_out + stats.dropped);
}

void test_histogram() {
  Histogram histogram;
  std::mt19937 random(1);
  std::lognormal_distribution<double> distribution(12, 2);
  std::vector<double> exact;
  for (int i = 0; i < 100'000; ++i) {
    exact.push_back(std::floor(distribution(random)));
    histogram.record(std::chrono::nanoseconds(static_cast<int64_t>(exact.back())));
  }
  std::ranges::sort(exact);
  const auto close = [&](double found, size_t rank) {
    return std::abs(found * 1e6 - exact[rank]) <= 0.03 * exact[rank];
  };
  const auto summary = histogram.summary();
  EXPECT(summary.count == exact.size());
  EXPECT(close(summary.p50, 50'000) && close(summary.p95, 95'000) && close(summary.p99, 99'000));
  EXPECT(close(summary.max, exact.size() - 1));
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  return run_tests({{"full queue", test_full_queue},
                    {"timeout", test_timeout},
                    {"timeout while running", test_timeout_while_running},
                    {"cancel", test_cancel},
                    {"abandon", test_abandon},
                    {"poison", test_poison},
                    {"out of memory, halves fit", [] { test_out_of_memory(4, 0); }},
                    {"out of memory, halves do not fit", [] { test_out_of_memory(2, 8); }},
                    {"device lost", test_device_lost},
                    {"failing preprocessing", test_failing_preprocessing},
                    {"close", test_close},
                    {"borrowed", test_borrowed},
                    {"failing copy", test_failing_copy},
                    {"submit while moving", test_submit_while_moving},
                    {"few moves", test_few_moves},
                    {"open failure", test_open_failure},
                    {"storm", test_storm},
                    {"histogram", test_histogram}});
}
