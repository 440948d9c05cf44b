#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "serving/request.h"

namespace llm2clip {

// A request with the scheduler's data about it.
struct Entry {
  RequestId id = 0;
  std::unique_ptr<Request> request;
  Ticket ticket;
  Clock::time_point submitted;
  Clock::duration preprocessing_time{};  // the duration of preprocess()
  std::exception_ptr error;              // thrown by preprocess()
  bool preprocessing = false;            // its memory is being read
  bool settled = false;                  // its client has the result, or will never ask for it
};

// The waiting requests, sorted by priority, then by deadline, then by age. Not thread-safe.
class RequestQueue {
 public:
  void push(std::unique_ptr<Entry> entry);
  std::unique_ptr<Entry> pop();
  std::unique_ptr<Entry> remove(RequestId id);  // nullptr if it is not waiting
  std::vector<std::unique_ptr<Entry>> remove_of(const Client* client);
  std::vector<std::unique_ptr<Entry>> remove_timed_out(Clock::time_point now);
  std::vector<std::unique_ptr<Entry>> remove_all();

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  size_t weight() const { return weight_; }  // of all waiting requests
  const Ticket& next() const;                // of the request that pop() will return
  Clock::time_point oldest() const;          // submission time of the request that waits longest
  Clock::time_point next_deadline() const;   // max() if none has a deadline

 private:
  using Key = std::tuple<int, Clock::time_point, RequestId>;  // −priority, deadline, id

  static Key key_of(const Entry& entry);
  std::unique_ptr<Entry> take(std::map<Key, std::unique_ptr<Entry>>::iterator at);

  std::map<Key, std::unique_ptr<Entry>> entries_;
  std::unordered_map<RequestId, Key> keys_;
  std::set<std::pair<Clock::time_point, RequestId>> deadlines_;
  size_t weight_ = 0;
};

}  // namespace llm2clip
