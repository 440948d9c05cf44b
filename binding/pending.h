#pragma once

#include <napi.h>

#include <exception>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "delivery.h"
#include "serving/histogram.h"
#include "serving/request.h"

namespace llm2clip::binding {

// The pending promises of one environment, and the JavaScript memory that native threads read for
// them. It belongs to the JS thread; only deliver(), fail() and flush() may be called from another
// thread. A result is copied once, from the engine's memory to an array that V8 allocated.
class Pending final : public Client, public std::enable_shared_from_this<Pending> {
 public:
  using Id = uint32_t;  // chosen by the caller

  struct Wish {
    Napi::Object input;  // kept from the garbage collector until the promise settles
    Napi::Value out;     // a Float32Array, or undefined for a new one
    Delivery delivery;
  };

  struct Delivered {
    uint64_t copies = 0, bytes = 0;
    Histogram::Summary time;  // from the engine's result to the settled promise
  };

  static std::shared_ptr<Pending> create(Napi::Env env);

  // Throws ERR_INVALID_ARG if something with this id is pending.
  void require_free(Id id) const;
  Napi::Promise add(Napi::Env env, Id id, RequestId request, const Wish& wish);

  // The scheduler's id of it, or 0 if it is not pending.
  RequestId request_of(Id id) const;

  // Removes a promise that the caller no longer waits for.
  void drop(Napi::Env env, Id id);

  void deliver(Id id, std::span<const float> numbers, const std::shared_ptr<const void>& owner);
  void fail(Id id, std::exception_ptr error);
  void flush() override;

  Delivered delivered() const;

  // The last promise is settled, or the environment ends. Nothing is delivered after this.
  void close(Napi::Env env);

 private:
  struct Entry {
    Napi::Promise::Deferred deferred;
    RequestId request;
    Napi::ObjectReference input, out;
    Delivery delivery;
  };
  struct Result {
    Id id;
    std::span<const float> numbers;
    std::shared_ptr<const void> owner;
    std::exception_ptr error;
    Clock::time_point at;
  };

  void settle(Napi::Env env, Result& result);
  Napi::Value write(Napi::Env env, Entry& entry, std::span<const float> numbers);
  static void on_js_thread(Napi::Env env, Napi::Function, Pending* pending, void*);
  using Queue = Napi::TypedThreadSafeFunction<Pending, void, &Pending::on_js_thread>;

  Queue queue_;
  std::unordered_map<Id, Entry> entries_;
  Delivered delivered_;
  Histogram delivery_time_;

  std::mutex mutex_;
  std::vector<Result> inbox_;  // guarded by mutex_
  bool posted_ = false;        // guarded by mutex_: the JS thread has been notified
  bool closed_ = false;        // guarded by mutex_
};

}  // namespace llm2clip::binding
