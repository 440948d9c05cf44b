#include "serving/request_queue.h"

#include <algorithm>

namespace llm2clip {

RequestQueue::Key RequestQueue::key_of(const Entry& entry) {
  return {-entry.ticket.priority, entry.ticket.deadline, entry.id};
}

void RequestQueue::push(std::unique_ptr<Entry> entry) {
  const Key key = key_of(*entry);
  const Clock::time_point deadline = entry->ticket.deadline;
  weight_ += entry->ticket.weight;
  keys_.emplace(entry->id, key);
  if (deadline != Clock::time_point::max()) deadlines_.emplace(deadline, entry->id);
  entries_.emplace(key, std::move(entry));
}

std::unique_ptr<Entry> RequestQueue::take(std::map<Key, std::unique_ptr<Entry>>::iterator at) {
  std::unique_ptr<Entry> entry = std::move(at->second);
  entries_.erase(at);
  weight_ -= entry->ticket.weight;
  keys_.erase(entry->id);
  deadlines_.erase({entry->ticket.deadline, entry->id});
  return entry;
}

const Ticket& RequestQueue::next() const { return entries_.begin()->second->ticket; }

std::unique_ptr<Entry> RequestQueue::pop() { return take(entries_.begin()); }

std::unique_ptr<Entry> RequestQueue::remove(RequestId id) {
  const auto found = keys_.find(id);
  return found == keys_.end() ? nullptr : take(entries_.find(found->second));
}

std::vector<std::unique_ptr<Entry>> RequestQueue::remove_of(const Client* client) {
  std::vector<std::unique_ptr<Entry>> removed;
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto next = std::next(at);
    if (at->second->ticket.client.get() == client) removed.push_back(take(at));
    at = next;
  }
  return removed;
}

std::vector<std::unique_ptr<Entry>> RequestQueue::remove_timed_out(Clock::time_point now) {
  std::vector<std::unique_ptr<Entry>> removed;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    removed.push_back(remove(deadlines_.begin()->second));
  }
  return removed;
}

std::vector<std::unique_ptr<Entry>> RequestQueue::remove_all() {
  std::vector<std::unique_ptr<Entry>> removed;
  while (!empty()) removed.push_back(pop());
  return removed;
}

Clock::time_point RequestQueue::oldest() const {
  Clock::time_point oldest = Clock::time_point::max();
  for (const auto& [key, entry] : entries_) oldest = std::min(oldest, entry->submitted);
  return oldest;
}

Clock::time_point RequestQueue::next_deadline() const {
  return deadlines_.empty() ? Clock::time_point::max() : deadlines_.begin()->first;
}

}  // namespace llm2clip
