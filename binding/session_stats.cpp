#include "session_stats.h"

namespace llm2clip::binding {
namespace {

Napi::Object describe(Napi::Env env, const Histogram::Summary& summary) {
  auto object = Napi::Object::New(env);
  object.Set("count", static_cast<double>(summary.count));
  object.Set("mean", summary.mean);
  object.Set("p50", summary.p50);
  object.Set("p95", summary.p95);
  object.Set("p99", summary.p99);
  object.Set("max", summary.max);
  return object;
}

Napi::Object batch_sizes(Napi::Env env, const std::vector<uint64_t>& sizes) {
  auto object = Napi::Object::New(env);
  for (uint32_t size = 1; size < sizes.size(); ++size) {
    if (sizes[size] > 0) object.Set(size, static_cast<double>(sizes[size]));
  }
  return object;
}

}  // namespace

Napi::Object describe(Napi::Env env, const SchedulerStats& scheduler,
                      const Pending::Delivered& delivered, const InputCopies& copies) {
  auto object = Napi::Object::New(env);
  const auto set = [&object](const char* name, uint64_t value) {
    object.Set(name, static_cast<double>(value));
  };
  set("submitted", scheduler.submitted);
  set("completed", scheduler.completed);
  set("failed", scheduler.failed);
  set("refused", scheduler.refused);
  set("timedOut", scheduler.timed_out);
  set("dropped", scheduler.dropped);
  set("queued", scheduler.queued);
  set("inBatches", scheduler.in_batches);
  set("inputCopies", copies.count.load());
  set("inputBytes", copies.bytes.load());
  set("outputCopies", delivered.copies);
  set("outputBytes", delivered.bytes);
  object.Set("busyMs", scheduler.busy_ms);
  object.Set("openMs", scheduler.open_ms);
  object.Set("batchSizes", batch_sizes(env, scheduler.batch_sizes));
  object.Set("preprocess", describe(env, scheduler.preprocess));
  object.Set("queue", describe(env, scheduler.queue));
  object.Set("run", describe(env, scheduler.run));
  object.Set("deliver", describe(env, delivered.time));
  return object;
}

}  // namespace llm2clip::binding
