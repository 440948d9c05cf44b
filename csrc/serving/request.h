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

// The receiver of results. All requests of one client are delivered in one place.
class Client {
 public:
  virtual ~Client() = default;
  // Called after the last result of a batch, or of another event that settled requests of this
  // client.
  virtual void flush() = 0;
};

// One input in flight. Exactly one of complete() and fail() is called, once, on a thread of the
// scheduler. Neither is called if the scheduler reports that it dropped the request.
class Request {
 public:
  virtual ~Request() = default;
  // Writes the input into its slot of the batch. An exception fails only this request.
  virtual void preprocess(const Slot& slot) = 0;
  // Only called for a borrowed request: copies the submitter's memory, because preprocess() comes
  // later.
  virtual void keep() {}
  // `numbers` are the requested output; they are valid as long as `owner` exists.
  virtual void complete(std::span<const float> numbers,
                        const std::shared_ptr<const void>& owner) = 0;
  virtual void fail(std::exception_ptr error) = 0;
};

// How a request is served.
struct Ticket {
  std::shared_ptr<Client> client;
  int priority = 0;   // higher ones first
  size_t weight = 1;  // its share of a batch's weight: the tokens of a text
  Output output{};
  Clock::time_point deadline = Clock::time_point::max();
  bool waits = false;     // the submitter limits itself: never refused for a full queue
  bool borrowed = false;  // its memory may only be read during submit()
};

}  // namespace llm2clip
