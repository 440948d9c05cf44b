#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <span>

#include "serving/output.h"
#include "serving/slot.h"

namespace llm2clip {

using Clock = std::chrono::steady_clock;
using RequestId = uint64_t;

// Those who wait: all requests of one client are delivered in one place.
class Client {
 public:
  virtual ~Client() = default;
  // After the last result of a batch, or of whatever else settled requests of this client.
  virtual void flush() = 0;
};

// One input on its way. Exactly one of complete and fail is called, once, on a thread of the
// scheduler's; neither, where the scheduler says that it dropped the request.
class Request {
 public:
  virtual ~Request() = default;
  // Writes the input into its slot of the batch. What it throws fails this request alone.
  virtual void prepare(const Slot& slot) = 0;
  // Only of a borrowed one: the submitter's memory is copied, for prepare() comes later.
  virtual void keep() {}
  // `embedding`, or whatever else is its output, is valid as long as `owner` lives.
  virtual void complete(std::span<const float> embedding,
                        const std::shared_ptr<const void>& owner) = 0;
  virtual void fail(std::exception_ptr error) = 0;
};

// How a request wants to be served.
struct Ticket {
  std::shared_ptr<Client> client;
  int priority = 0;   // higher ones first
  size_t weight = 1;  // what it takes of a batch: tokens of a text
  Output output{};
  Clock::time_point deadline = Clock::time_point::max();
  bool waits = false;     // its submitter bounds itself: never refused for a full queue
  bool borrowed = false;  // its memory may be read during submit() alone
};

}  // namespace llm2clip
