#pragma once

#include <napi.h>

#include <exception>
#include <map>
#include <memory>
#include <vector>

namespace llm2clip::binding {

// The promises of one environment that wait for embeddings, and the JS memory that native threads
// read for them meanwhile. Lives on the JS thread; deliver() may be called from any other. Results
// are copied once, from the engine's memory into an array that V8 allocates.
class Pending : public std::enable_shared_from_this<Pending> {
 public:
  using Id = uint64_t;

  static std::shared_ptr<Pending> create(Napi::Env env);

  // Keeps `input` from the garbage collector until the promise settles.
  std::pair<Id, Napi::Promise> add(Napi::Env env, Napi::Object input);

  void deliver(Id id, std::vector<float> embedding);
  void deliver(Id id, std::exception_ptr error);

  // No delivery comes any more.
  void close();

 private:
  struct Entry {
    Napi::Promise::Deferred deferred;
    Napi::ObjectReference input;
  };
  struct Delivery {
    std::shared_ptr<Pending> to;
    Id id;
    std::vector<float> embedding;
    std::exception_ptr error;
  };

  void post(std::unique_ptr<Delivery> delivery);
  void settle(Napi::Env env, Delivery& delivery);
  static void on_js_thread(Napi::Env env, Napi::Function, std::nullptr_t*, Delivery* delivery);
  using Queue = Napi::TypedThreadSafeFunction<std::nullptr_t, Delivery, &Pending::on_js_thread>;

  Queue queue_;
  std::map<Id, Entry> entries_;
  Id next_ = 0;
};

}  // namespace llm2clip::binding
