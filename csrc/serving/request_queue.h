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

// A request and what the scheduler knows of it.
struct Entry {
  RequestId id = 0;
  std::unique_ptr<Request> request;
  Ticket ticket;
  Clock::time_point submitted;
  Clock::duration preparation{};  // that prepare() took
  std::exception_ptr error;       // of prepare()
  bool preparing = false;         // its memory is being read
  bool settled = false;           // its client has heard, or will never ask
};

// What waits, the most urgent first: by priority, then by deadline, then by age. Not thread-safe.
class RequestQueue {
 public:
  void push(std::unique_ptr<Entry> entry);
  std::unique_ptr<Entry> pop();
  std::unique_ptr<Entry> remove(RequestId id);  // nullptr where it does not wait
  std::vector<std::unique_ptr<Entry>> remove_of(const Client* client);
  std::vector<std::unique_ptr<Entry>> remove_expired(Clock::time_point now);
  std::vector<std::unique_ptr<Entry>> remove_all();

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  size_t weight() const { return weight_; }  // of all that wait
  const Ticket& next() const;                // of what pop() gives
  Clock::time_point oldest() const;          // submission of the one that waits longest
  Clock::time_point next_deadline() const;   // max() where none has one

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
