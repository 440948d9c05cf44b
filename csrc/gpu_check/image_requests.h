#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "serving/scheduler.h"

namespace llm2clip {

// Counts the outcomes of requests and wakes threads that wait for them. Callable from any thread.
class Tally final : public Client {
 public:
  void flush() override;
  void settled();
  void settled(const std::exception_ptr& error);

  // Blocks until `count` requests are settled. Returns false when that takes too long.
  bool wait_for(size_t count, double seconds);
  size_t completed() const;
  // The number of failed requests for each error code.
  std::map<std::string, size_t> failed() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  size_t settled_ = 0, completed_ = 0;
  std::map<std::string, size_t> failed_;
};

// For example "3 completed, 1 ERR_DEVICE_LOST".
std::string in_words(const Tally& tally);

// Blocks until `count` requests are completed. Throws when that takes more than a minute or a
// request has failed.
void require_completed(Tally& tally, size_t count);

// Returns the error's code, such as "ERR_DEVICE_LOST". For exceptions that are not an Error, it
// returns "ERR_INTERNAL".
std::string code_of(const std::exception_ptr& error);

// Submits images [count, slot] and wakes the scheduler. Their memory must outlive the requests.
// Throws what Scheduler::submit() throws.
void submit_images(Scheduler& scheduler, const std::vector<float>& images, size_t count,
                   const std::shared_ptr<Tally>& tally);

}  // namespace llm2clip
