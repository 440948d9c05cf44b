#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "serving/scheduler.h"

namespace llm2clip {

// Counts what becomes of requests, and wakes whoever waits for them. From any thread.
class Tally final : public Client {
 public:
  void flush() override;
  void settled();
  void settled(const std::exception_ptr& error);

  // Blocks until so many are settled; false where they are not within the time.
  bool wait_for(size_t count, double seconds);
  size_t completed() const;
  // How many failed, by the name of their error's code.
  std::map<std::string, size_t> failed() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  size_t settled_ = 0, completed_ = 0;
  std::map<std::string, size_t> failed_;
};

// "3 completed, 1 ERR_DEVICE_LOST"
std::string in_words(const Tally& tally);

// Blocks until so many are completed. Throws where they are not within a minute, or any has failed.
void require_completed(Tally& tally, size_t count);

// "ERR_DEVICE_LOST" and so on; what is no Error of this project is "ERR_INTERNAL".
std::string code_of(const std::exception_ptr& error);

// Asks for pictures [count, slot], whose memory outlives the requests, and wakes the scheduler.
// Throws what Scheduler::submit() throws.
void submit_pictures(Scheduler& scheduler, const std::vector<float>& pictures, size_t count,
                     const std::shared_ptr<Tally>& tally);

}  // namespace llm2clip
