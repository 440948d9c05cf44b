// Tests a bundle's text side as it is served: language model, rounding and adapter one after the
// other, with an engine whose sessions return numbers that the test can check.
#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/float_convert.h"
#include "batch/text_list.h"
#include "engine/pipeline.h"
#include "engine/served_session.h"
#include "expect.h"
#include "fake_runner.h"
#include "scheduler_bench.h"

namespace llm2clip::testing {
namespace {

constexpr int64_t kWidth = 3, kDim = 2, kMostTokens = 8;

// The runs of the sessions in order, e.g. "llm 3" for a batch of three.
struct Runs {
  std::vector<std::string> all;
  std::function<void(InputKind, int64_t)> before = [](InputKind, int64_t) {};
};

// The language model's output for a text. bf16 cannot represent these numbers exactly.
float feature_of(std::span<const int32_t> ids, int64_t pooled) {
  return static_cast<float>(ids.front()) + 0x1p-9F * static_cast<float>(pooled);
}

float rounded(float number) {
  float result = 0;
  round_to_bf16(&number, &result, 1);
  return result;
}

// A language model returns [feature, tokens, 1], an adapter
// [1000 + first number, sum of the numbers].
class TellingSession final : public Session {
 public:
  TellingSession(SessionOptions options, Runs& runs)
      : kind_(options.input.kind), most_(options.max_batch), runs_(runs) {}

  const SessionInfo& info() const override { return info_; }

  Embeddings run(const BatchView& batch) override {
    const int64_t count = count_of(batch);
    EXPECT(count <= most_);
    const char* const name = kind_ == InputKind::kText ? "llm " : "adapter ";
    runs_.all.push_back(name + std::to_string(count));
    runs_.before(kind_, count);
    const auto out = std::make_shared<std::vector<float>>(
        kind_ == InputKind::kText ? features(std::get<Texts>(batch))
                                  : embeddings(std::get<Features>(batch)));
    return {out->data(), count, static_cast<int64_t>(out->size()) / count, out};
  }

 private:
  static std::vector<float> features(const Texts& texts) {
    std::vector<float> out;
    for (int64_t i = 0; i < texts.count(); ++i) {
      const int32_t pooled = texts.pooled[static_cast<size_t>(i)];
      out.insert(out.end(),
                 {feature_of(texts.text(i), pooled), static_cast<float>(texts.tokens_of(i)), 1.0F});
    }
    return out;
  }
  static std::vector<float> embeddings(const Features& features) {
    std::vector<float> out;
    for (int64_t i = 0; i < features.count; ++i) {
      const float* const one = features.some(i, 1).numbers;
      out.insert(out.end(), {1000 + one[0], one[0] + one[1] + one[2]});
    }
    return out;
  }

  InputKind kind_;
  int64_t most_;
  Runs& runs_;
  SessionInfo info_{"cpu", "fp32", {"none"}};
};

class TellingEngine final : public Engine {
 public:
  std::string version() const override { return "telling"; }
  std::unique_ptr<Builder> builder(const BuildOptions&) override { return nullptr; }
  std::unique_ptr<Session> open(const SessionOptions& options) override {
    return std::make_unique<TellingSession>(options, runs);
  }
  Runs runs;
};

SessionOptions session(const Input& input, int64_t max_batch) {
  return {.path = "", .device = "cpu", .threads = 1, .input = input, .max_batch = max_batch};
}

PipelineOptions llm_alone() {
  return {.llm = PartOptions{session(texts_of(kMostTokens), 8), kWidth}};
}
PipelineOptions adapter_alone() {
  return {.adapter = PartOptions{session(features_of(kWidth), 3), kDim}};
}
PipelineOptions both() { return {.llm = llm_alone().llm, .adapter = adapter_alone().adapter}; }

constexpr Output kTextEmbedding{.input = InputKind::kText};
constexpr Output kTextFeature{.input = InputKind::kText, .kind = OutputKind::kFeature};
constexpr Output kFeatureEmbedding{.input = InputKind::kFeature};

template <typename Body>
std::string thrown(const Body& body) {
  try {
    body();
    return "none";
  } catch (...) {
    return code_of(std::current_exception());
  }
}

void test_parts() {
  TellingEngine engine;
  Pipeline pipeline(engine, both());
  TextList texts;
  for (int32_t id = 1; id <= 5; ++id) texts.add(std::vector<int32_t>(id, id), id);
  const Embeddings features = pipeline.run(texts.view(), kTextFeature);
  EXPECT(features.batch == 5 && features.dim == kWidth);
  const Embeddings found = pipeline.run(texts.view(), kTextEmbedding);
  EXPECT(found.batch == 5 && found.dim == kDim);
  for (int64_t i = 0; i < 5; ++i) {
    const auto id = static_cast<int32_t>(i) + 1;
    const float feature = rounded(feature_of(std::vector{id}, id));
    EXPECT(features.data[i * kWidth] == feature);
    EXPECT(found.data[i * kDim] == 1000 + feature);
    EXPECT(found.data[i * kDim + 1] == feature + static_cast<float>(id) + 1);
  }
  // The adapter takes three inputs at a time.
  EXPECT((engine.runs.all == std::vector<std::string>{"llm 5", "llm 5", "adapter 3", "adapter 2"}));
  // A caller's own feature is not rounded.
  const std::vector<float> own{0.1F, 0.2F, 0.3F};
  const Embeddings given = pipeline.run(Features{own.data(), 1, kWidth}, kFeatureEmbedding);
  EXPECT(given.data[0] == 1000 + 0.1F);
}

void test_missing_parts() {
  TellingEngine engine;
  TextList texts;
  texts.add(std::vector<int32_t>{1}, 1);
  const std::vector<float> own(kWidth);
  const Features features{own.data(), 1, kWidth};
  Pipeline llm(engine, llm_alone()), adapter(engine, adapter_alone());
  EXPECT(llm.info().llm && !llm.info().adapter && !llm.info().vision);
  EXPECT(llm.run(texts.view(), kTextFeature).dim == kWidth);
  engine.runs.all.clear();
  const std::string refused = "ERR_ENGINE_INCOMPATIBLE";
  EXPECT(thrown([&] { llm.run(texts.view(), kTextEmbedding); }) == refused);
  EXPECT(thrown([&] { llm.run(features, kFeatureEmbedding); }) == refused);
  EXPECT(thrown([&] { adapter.run(texts.view(), kTextFeature); }) == refused);
  EXPECT(thrown([&] { adapter.run(Images{own.data(), 1, kWidth}, {}); }) == refused);
  // Patches exist only for images, features only for texts.
  EXPECT(thrown([&] { llm.run(texts.view(), {.kind = OutputKind::kPatches}); }) == refused);
  EXPECT(thrown([&] { adapter.run(features, {.kind = OutputKind::kFeature}); }) == refused);
  EXPECT(engine.runs.all.empty());
  EXPECT(adapter.run(features, kFeatureEmbedding).dim == kDim);
  auto other = both();
  other.llm->dim = kWidth + 1;
  EXPECT(thrown([&] { Pipeline(engine, other).run(texts.view(), kTextFeature); }) == refused);
}

// Submits a text with this number of tokens, or a feature, to the scheduler.
class TextRequest final : public Request {
 public:
  TextRequest(int32_t id, InputKind kind, std::shared_ptr<Outcome> outcome,
              std::shared_ptr<FakeClient> client)
      : id_(id), kind_(kind), settles_(0, std::move(outcome), std::move(client)) {}

  void preprocess(const Slot& slot) override {
    if (kind_ == InputKind::kText) {
      slot.write(std::vector<int32_t>(static_cast<size_t>(id_ % 4) + 1, id_), 1);
    } else {
      std::ranges::fill(slot.numbers(), static_cast<float>(id_));
    }
  }
  void complete(std::span<const float> embedding, const std::shared_ptr<const void>& o) override {
    settles_.complete(embedding, o);
  }
  void fail(std::exception_ptr error) override { settles_.fail(std::move(error)); }

 private:
  int32_t id_;
  InputKind kind_;
  FakeRequest settles_;
};

// A text side behind its scheduler. The test can hold its runs.
class ServedTexts {
 public:
  explicit ServedTexts(const PipelineOptions& parts, SchedulerOptions options = {})
      : served(serve(engine, parts, options)) {
    engine.runs.before = [this](InputKind kind, int64_t count) {
      {
        std::unique_lock lock(mutex_);
        ++begun_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !held_; });
      }
      before(kind, count);
    };
  }

  std::shared_ptr<Outcome> submit(int32_t id, const Output& output, Ticket ticket = {}) {
    auto outcome = std::make_shared<Outcome>();
    ticket.client = client;
    ticket.output = output;
    ticket.weight = output.input == InputKind::kText ? static_cast<size_t>(id % 4) + 1 : 1;
    last_id = served->scheduler->submit(
        std::make_unique<TextRequest>(id, output.input, outcome, client), std::move(ticket));
    served->scheduler->wake();
    return outcome;
  }

  // Holds one running text until release().
  void hold() {
    std::unique_lock lock(mutex_);
    held_ = true;
    lock.unlock();
    submit(1, kTextFeature);
    lock.lock();
    changed_.wait(lock, [this] { return begun_ > 0; });
  }
  void release() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }

  TellingEngine engine;
  std::function<void(InputKind, int64_t)> before = [](InputKind, int64_t) {};
  std::shared_ptr<FakeClient> client = std::make_shared<FakeClient>();
  RequestId last_id = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  int begun_ = 0;

 public:
  std::shared_ptr<ServedSession> served;  // destroyed first: its threads use the other members
};

float embedding_of(int32_t id) { return 1000 + rounded(feature_of(std::vector{id}, 1)); }

// Texts, texts whose feature is requested, and callers' features run in separate batches, in order.
void test_mixed() {
  ServedTexts texts(both());
  texts.hold();
  std::vector<std::pair<std::shared_ptr<Outcome>, float>> expected;
  for (int32_t id = 10; id < 34; ++id) {
    const Output& output = id % 3 == 0   ? kTextEmbedding
                           : id % 3 == 1 ? kTextFeature
                                         : kFeatureEmbedding;
    const float value = id % 3 == 0   ? embedding_of(id)
                        : id % 3 == 1 ? rounded(feature_of(std::vector{id}, 1))
                                      : 1000 + static_cast<float>(id);
    // Requests of the same priority are adjacent.
    expected.emplace_back(texts.submit(id, output, {.client = nullptr, .priority = -(id % 3)}),
                          value);
  }
  texts.release();
  EXPECT(texts.client->wait_for(25));
  texts.served->scheduler->close();
  for (const auto& [outcome, value] : expected) EXPECT(!outcome->error && outcome->value == value);
  EXPECT(texts.served->scheduler->stats().completed == 25);
}

void test_priority() {
  ServedTexts texts(both());
  texts.hold();
  const auto low = texts.submit(8, kFeatureEmbedding, {.client = nullptr, .priority = -1});
  const auto high = texts.submit(9, kTextEmbedding, {.client = nullptr, .priority = 1});
  const auto other = texts.submit(7, kFeatureEmbedding, {.client = nullptr, .priority = -1});
  texts.release();
  EXPECT(texts.client->wait_for(4));
  texts.served->scheduler->close();
  EXPECT(high->value == embedding_of(9) && low->value == 1008 && other->value == 1007);
}

// A timed-out request is told so while the engine is busy, both in the queue and during its run.
void test_timeout() {
  ServedTexts texts(both());
  texts.hold();
  const auto soon = Clock::now() + std::chrono::milliseconds(20);
  const auto queued = texts.submit(5, kTextEmbedding, {.client = nullptr, .deadline = soon});
  const auto feature = texts.submit(6, kFeatureEmbedding, {.client = nullptr, .deadline = soon});
  EXPECT(texts.client->wait_for(2));
  EXPECT(code_of(queued->error) == "ERR_TIMEOUT" && code_of(feature->error) == "ERR_TIMEOUT");
  const auto stays = texts.submit(7, kTextEmbedding);
  texts.release();
  EXPECT(texts.client->wait_for(4));
  EXPECT(stays->value == embedding_of(7));
}

// A request times out between language model and adapter: its run continues, but the result is
// dropped.
void test_timeout_between_parts() {
  ServedTexts texts(both());
  std::mutex mutex;
  mutex.lock();
  texts.before = [&](InputKind kind, int64_t) {
    if (kind != InputKind::kFeature) return;
    const std::lock_guard wait(mutex);
  };
  const auto soon = Clock::now() + std::chrono::milliseconds(50);
  const auto late = texts.submit(5, kTextEmbedding, {.client = nullptr, .deadline = soon});
  EXPECT(texts.client->wait_for(1));
  EXPECT(code_of(late->error) == "ERR_TIMEOUT");
  mutex.unlock();
  EXPECT(texts.submit(6, kTextEmbedding) && texts.client->wait_for(2));
  texts.served->scheduler->close();
  EXPECT(late->settled == 1);
}

void test_cancel() {
  ServedTexts texts(both());
  texts.hold();
  for (int32_t i = 0; i < 8; ++i) texts.submit(3, kTextFeature);  // these fill the next batch
  const auto gone = texts.submit(5, kTextEmbedding);
  EXPECT(texts.served->scheduler->cancel(texts.last_id));
  texts.release();
  EXPECT(texts.client->wait_for(9));
  texts.served->scheduler->close();
  EXPECT(gone->settled == 0 && texts.served->scheduler->stats().dropped == 1);
}

// Texts that need too much memory together run in halves, whichever part runs out of memory.
void test_out_of_memory(InputKind hungry) {
  ServedTexts texts(both());
  texts.before = [hungry](InputKind kind, int64_t count) {
    if (kind == hungry && count > (kind == InputKind::kText ? 4 : 2)) {
      throw Error(ErrorCode::kOutOfMemory, "deliberate");
    }
  };
  texts.hold();
  std::vector<std::shared_ptr<Outcome>> outcomes;
  const int32_t count = hungry == InputKind::kText ? 8 : 4;
  for (int32_t i = 0; i < count; ++i) outcomes.push_back(texts.submit(10 + i, kTextEmbedding));
  texts.release();
  EXPECT(texts.client->wait_for(outcomes.size() + 1));
  for (int32_t i = 0; i < count; ++i) {
    const Outcome& outcome = *outcomes[static_cast<size_t>(i)];
    EXPECT(!outcome.error && outcome.value == embedding_of(10 + i));
  }
}

// A text that fails does not affect the others. Invalid texts are refused.
void test_failing_text() {
  ServedTexts texts(both());
  texts.hold();
  const auto none = texts.submit(-1, kTextEmbedding);
  const auto good = texts.submit(12, kTextEmbedding);
  texts.release();
  EXPECT(texts.client->wait_for(3));
  EXPECT(code_of(none->error) == "ERR_INVALID_ARG");
  EXPECT(good->value == embedding_of(12));
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  using llm2clip::InputKind;
  return run_tests({{"parts", test_parts},
                    {"missing parts", test_missing_parts},
                    {"mixed", test_mixed},
                    {"priority", test_priority},
                    {"timeout", test_timeout},
                    {"timeout between parts", test_timeout_between_parts},
                    {"cancel", test_cancel},
                    {"out of memory", [] { test_out_of_memory(InputKind::kText); }},
                    {"out of memory, adapter", [] { test_out_of_memory(InputKind::kFeature); }},
                    {"failing text", test_failing_text}});
}
