// Tests which requests form a batch: order, sizes, weights, outputs and delays. The scheduler runs
// over a fake engine.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "expect.h"
#include "scheduler_bench.h"
#include "serving/scheduler.h"

namespace llm2clip::testing {
namespace {

using std::chrono::milliseconds;

void test_single() {
  Bench bench({.max_batch = 8});
  const auto outcome = bench.submit(21);
  EXPECT(bench.client->wait_for(1));
  EXPECT(outcome->value == 42 && outcome->batch == 1 && outcome->settled == 1);
}

void test_batches() {
  Bench bench({.max_batch = 8});
  bench.hold();
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 10; ++i) outcomes.push_back(bench.submit(static_cast<float>(i)));
  bench.release();
  EXPECT(bench.client->wait_for(11));
  EXPECT((bench.sizes == std::vector<int64_t>{1, 8, 2}));
  for (int i = 0; i < 10; ++i) EXPECT(outcomes[i]->value == static_cast<float>(2 * i));
  bench.scheduler->close();
  EXPECT(bench.client->flushes == 3);  // one per batch
  const SchedulerStats stats = bench.scheduler->stats();
  EXPECT(stats.completed == 11 && stats.submitted == 11);
  EXPECT(stats.batch_sizes[8] == 1 && stats.batch_sizes[2] == 1 && stats.batch_sizes[1] == 1);
  EXPECT(stats.run.count == 3 && stats.preprocess.count == 11 && stats.queue.count == 11);
}

void test_order() {
  Bench bench({.max_batch = 1});
  bench.hold();
  bench.submit(0);
  bench.wait_until_forming(2);  // request 0 already has its slot
  const auto now = Clock::now();
  bench.submit(1);
  bench.submit(2, {.client = nullptr, .priority = 5});
  bench.submit(3, {.client = nullptr, .deadline = now + std::chrono::hours(2)});
  bench.submit(4, {.client = nullptr, .deadline = now + std::chrono::hours(1)});
  bench.submit(5, {.client = nullptr, .priority = -1});
  bench.submit(6, {.client = nullptr, .priority = 5});
  bench.release();
  EXPECT(bench.client->wait_for(8));
  EXPECT((bench.order == std::vector<float>{-1, 0, 2, 6, 4, 3, 1, 5}));
}

// The weights of its requests limit a batch. A request that is heavier than the limit runs alone.
void test_weight() {
  Bench bench({.max_batch = 8, .max_weight = 10});
  bench.hold();
  for (const size_t weight : {4, 4, 3, 25, 5, 5, 1}) {
    bench.submit(1, {.client = nullptr, .weight = weight});
  }
  bench.release();
  EXPECT(bench.client->wait_for(8));
  bench.scheduler->close();
  EXPECT((bench.sizes == std::vector<int64_t>{1, 2, 1, 1, 2, 1}));
}

Output patches_of(std::optional<int64_t> layer) {
  return {.kind = OutputKind::kPatches, .layer = layer};
}

// Requests for the same output share a run. Requests for another output run next, in their order.
void test_outputs() {
  const Output embedding, second = patches_of(2), third = patches_of(3), space = patches_of({});
  Bench bench({.max_batch = 8});
  bench.hold();
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (const Output& output : {second, second, third, space, embedding, embedding}) {
    outcomes.push_back(bench.submit(10, {.client = nullptr, .output = output}));
  }
  bench.wait_until_forming(3);  // the first two have slots beside the held one
  const auto urgent = bench.submit(10, {.client = nullptr, .priority = 1, .output = third});
  bench.release();
  EXPECT(bench.client->wait_for(8));
  bench.scheduler->close();
  EXPECT((bench.sizes == std::vector<int64_t>{1, 2, 2, 1, 2}));
  const std::vector<float> layers{2, 2, 3, 0, 0, 0};
  for (size_t i = 0; i < outcomes.size(); ++i) EXPECT(outcomes[i]->value == 20 + layers[i]);
  EXPECT(urgent->value == 23 && urgent->batch == 2);
}

// A batch that is full by weight does not wait for more requests.
void test_weight_without_delay() {
  Bench bench({.max_batch = 8, .max_delay = std::chrono::hours(1), .max_weight = 10});
  for (int i = 0; i < 2; ++i) bench.submit(1, {.client = nullptr, .weight = 5});
  EXPECT(bench.client->wait_for(2));
}

// Requests that failed before their run leave no weight behind in the two batches that are reused
// in turn.
void test_weight_of_failed() {
  Bench bench({.max_batch = 8, .max_weight = 10});
  for (size_t i = 1; i <= 2; ++i) {
    bench.submit(NAN, {.client = nullptr, .weight = 9});
    EXPECT(bench.client->wait_for(i));
  }
  bench.hold();
  for (int i = 0; i < 2; ++i) bench.submit(1, {.client = nullptr, .weight = 5});
  bench.release();
  EXPECT(bench.client->wait_for(5));
  EXPECT((bench.sizes == std::vector<int64_t>{1, 2}));
}

void test_delay() {
  Bench bench({.max_batch = 4, .max_delay = std::chrono::hours(1)});
  for (int i = 0; i < 4; ++i) bench.submit(1);
  EXPECT(bench.client->wait_for(4));  // the batch is full, so the delay does not matter
  EXPECT((bench.sizes == std::vector<int64_t>{4}));
  bench.submit(1);
  bench.submit(1);
  bench.scheduler->close();  // close() does not wait for more requests, either
  EXPECT((bench.sizes == std::vector<int64_t>{4, 2}));
}

// Requests that are submitted before wake() form one batch, unless it is full earlier.
void test_together() {
  Bench bench({.max_batch = 4});
  for (int i = 0; i < 3; ++i) bench.submit_quietly(1);
  // A batch that did not wait for wake() would run during this time.
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT(bench.runs == 0);
  bench.scheduler->wake();
  EXPECT(bench.client->wait_for(3));
  EXPECT(bench.sizes == std::vector<int64_t>{3});
  for (int i = 0; i < 4; ++i) bench.submit_quietly(1);
  EXPECT(bench.client->wait_for(7));
  bench.submit_quietly(1);
  bench.scheduler->close();
  EXPECT(bench.client->wait_for(8));
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  return run_tests({{"single", test_single},
                    {"batches", test_batches},
                    {"order", test_order},
                    {"weight", test_weight},
                    {"outputs", test_outputs},
                    {"weight without delay", test_weight_without_delay},
                    {"weight of what failed", test_weight_of_failed},
                    {"delay", test_delay},
                    {"together", test_together}});
}
