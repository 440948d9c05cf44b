#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace llm2clip {

// The threads that an operation's work is distributed over, and their scratch memory. An engine
// brings its own. Only one operation runs at a time.
class Workers {
 public:
  virtual ~Workers() = default;

  // The largest number of threads that work at once.
  virtual int64_t count() const = 0;

  // Calls body(share, worker) for shares 0 to shares − 1, on the calling thread and on others. Each
  // thread takes the next share when it has finished one, so that a slow core does not delay the
  // others. `worker`, below count(), tells the threads of this call apart. Throws the first
  // exception that a call of `body` throws.
  template <typename Body>
  void run(int64_t shares, const Body& body) {
    run_shares(
        shares,
        [](const void* held, int64_t share, int64_t worker) {
          (*static_cast<const Body*>(held))(share, worker);
        },
        &body);
  }

  // Calls body(first, last) for blocks of rows, first to last − 1.
  template <typename Body>
  void run_rows(int64_t rows, const Body& body) {
    constexpr int64_t kRows = 8;
    run((rows + kRows - 1) / kRows,
        [&](int64_t share, int64_t) { body(share * kRows, std::min(rows, (share + 1) * kRows)); });
  }

  // Memory of this worker, aligned to 64 bytes and with any content, until the next call for it.
  // Throws std::bad_alloc.
  virtual std::byte* scratch(int64_t worker, size_t bytes) = 0;

 protected:
  using Call = void(const void* body, int64_t share, int64_t worker);
  virtual void run_shares(int64_t shares, Call* call, const void* body) = 0;
};

// One worker's scratch memory, which grows to the largest size that was asked for.
class Scratch {
 public:
  std::byte* of(size_t bytes) {
    if (bytes > bytes_) {
      memory_.reset();
      bytes_ = 0;
      memory_.reset(new (kAlignment) std::byte[bytes]);
      bytes_ = bytes;
    }
    return memory_.get();
  }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete[](memory, kAlignment); }
  };
  std::unique_ptr<std::byte[], Free> memory_;
  size_t bytes_ = 0;
};

}  // namespace llm2clip
