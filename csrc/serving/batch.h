#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "batch/batch_memory.h"
#include "batch/batch_view.h"
#include "batch/text_memory.h"
#include "serving/request_queue.h"
#include "serving/slot.h"

namespace llm2clip {

// A move of a slot's content to another place in its batch.
struct SlotMove {
  size_t from, to;
};

// The slots of one run, which are filled in the order in which requests are taken. It is guarded by
// the scheduler's mutex, except for the content of a slot, which only its preprocessing thread
// accesses.
class Batch {
 public:
  // A batch holds at most `capacity` entries with the same output. If it holds more than one, their
  // total weight is at most `max_weight`. An image or a feature has `slot_size` numbers, a text at
  // most `text_size` tokens.
  Batch(size_t capacity, size_t slot_size, size_t text_size, size_t max_weight)
      : capacity_(capacity),
        slot_size_(slot_size),
        max_weight_(max_weight),
        texts_(text_size > 0 ? capacity : 0, text_size) {
    entries_.reserve(capacity);
  }

  // Must be called once, before the first add().
  void set_memory(std::unique_ptr<BatchMemory> memory) { memory_ = std::move(memory); }

  bool has_room(const Ticket& ticket) const {
    if (entries_.empty()) return true;
    return size() < capacity_ && weight_ + ticket.weight <= max_weight_ &&
           ticket.output == output();
  }
  // The batch must not be empty.
  const Output& output() const { return entries_.front()->ticket.output; }
  size_t weight() const { return weight_; }
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  std::vector<std::unique_ptr<Entry>>& entries() { return entries_; }
  const std::vector<std::unique_ptr<Entry>>& entries() const { return entries_; }

  // The next deadline of the entries that are neither settled nor being preprocessed.
  Clock::time_point next_deadline() const {
    Clock::time_point next = Clock::time_point::max();
    for (const auto& entry : entries_) {
      if (!entry->settled && !entry->preprocessing) next = std::min(next, entry->ticket.deadline);
    }
    return next;
  }

  Clock::time_point oldest() const {
    Clock::time_point oldest = Clock::time_point::max();
    for (const auto& entry : entries_) oldest = std::min(oldest, entry->submitted);
    return oldest;
  }

  // Adds an entry and returns its slot.
  Slot add(std::unique_ptr<Entry> entry) {
    weight_ += entry->ticket.weight;
    entries_.push_back(std::move(entry));
    const size_t slot = entries_.size() - 1;
    return are_texts() ? Slot(texts_, slot) : Slot(*memory_, place(slot));
  }

  // Returns the content of `count` slots from `first` on. For texts it is valid until the next
  // call.
  BatchView view(size_t first, size_t count) {
    if (are_texts()) return texts_.view(first, count);
    const float* const numbers = memory_->pixels().data() + first * slot_size_;
    const auto wanted = static_cast<int64_t>(count), size = static_cast<int64_t>(slot_size_);
    if (output().input == InputKind::kFeature) return Features{numbers, wanted, size};
    return Images{numbers, wanted, size};
  }

  // Removes the entries for which `wanted` returns false, and fills their places with the last
  // entries. Returns the moves that the caller must apply to the slots; there are at most as many
  // as removed entries.
  template <typename Wanted>
  std::vector<SlotMove> keep_only(Wanted&& wanted) {
    for (auto& entry : entries_) {
      if (wanted(*entry)) continue;
      weight_ -= entry->ticket.weight;
      entry = nullptr;
    }
    std::vector<SlotMove> moves;
    const auto count = entries_.size() -
                       static_cast<size_t>(std::ranges::count_if(entries_, std::logical_not<>()));
    size_t last = entries_.size();
    for (size_t i = 0; i < count; ++i) {
      if (entries_[i]) continue;
      while (!entries_[--last]) continue;
      moves.push_back({last, i});
      entries_[i] = std::move(entries_[last]);
    }
    entries_.resize(count);
    return moves;
  }

  // Moves the content of a slot. The runner's thread calls it without holding the mutex.
  void move(const SlotMove& move) {
    if (are_texts()) return texts_.move(move.from, move.to);
    memory_->move(place(move.from), place(move.to));
  }

  void clear() {
    entries_.clear();
    weight_ = 0;
  }

 private:
  bool are_texts() const { return output().input == InputKind::kText; }
  std::span<float> place(size_t i) { return memory_->pixels().subspan(i * slot_size_, slot_size_); }

  std::unique_ptr<BatchMemory> memory_;
  size_t capacity_, slot_size_, max_weight_;
  size_t weight_ = 0;
  TextMemory texts_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace llm2clip
