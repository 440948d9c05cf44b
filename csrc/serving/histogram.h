#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>

namespace llm2clip {

// Durations in log-linear buckets. There are 32 buckets per octave, so percentiles have an error of
// up to 3 %. Recording takes a few relaxed atomic additions, from any thread.
class Histogram {
 public:
  struct Summary {
    uint64_t count = 0;
    double mean = 0, p50 = 0, p95 = 0, p99 = 0, max = 0;  // in milliseconds
  };

  void record(std::chrono::nanoseconds duration) {
    const auto ns = static_cast<uint64_t>(duration.count() < 0 ? 0 : duration.count());
    counts_[index_of(ns)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(ns, std::memory_order_relaxed);
    uint64_t most = max_.load(std::memory_order_relaxed);
    while (ns > most && !max_.compare_exchange_weak(most, ns, std::memory_order_relaxed)) {
    }
  }

  Summary summary() const {
    std::array<uint64_t, kBuckets> counts;
    Summary result;
    for (size_t i = 0; i < kBuckets; ++i) {
      counts[i] = counts_[i].load(std::memory_order_relaxed);
      result.count += counts[i];
    }
    if (result.count == 0) return result;
    result.max = milliseconds(max_.load(std::memory_order_relaxed));
    result.mean =
        milliseconds(sum_.load(std::memory_order_relaxed)) / static_cast<double>(result.count);
    result.p50 = percentile(counts, result, 0.50);
    result.p95 = percentile(counts, result, 0.95);
    result.p99 = percentile(counts, result, 0.99);
    return result;
  }

 private:
  static constexpr int kSubBits = 5;
  static constexpr size_t kSub = size_t{1} << kSubBits;
  static constexpr size_t kBuckets = kSub * (64 - kSubBits + 1);

  static double milliseconds(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

  static size_t index_of(uint64_t ns) {
    if (ns < kSub) return ns;
    const int shift = std::bit_width(ns) - 1 - kSubBits;
    return (static_cast<size_t>(shift + 1) << kSubBits) + ((ns >> shift) - kSub);
  }

  // The middle of a bucket.
  static double value_of(size_t index) {
    if (index < kSub) return milliseconds(index);
    const size_t shift = (index >> kSubBits) - 1;
    const uint64_t low = ((index & (kSub - 1)) + kSub) << shift;
    return milliseconds(low + ((uint64_t{1} << shift) >> 1));
  }

  static double percentile(const std::array<uint64_t, kBuckets>& counts, const Summary& all,
                           double share) {
    const auto wanted = static_cast<uint64_t>(share * static_cast<double>(all.count));
    uint64_t seen = 0;
    for (size_t i = 0; i < kBuckets; ++i) {
      seen += counts[i];
      if (seen > wanted) return value_of(i) < all.max ? value_of(i) : all.max;
    }
    return all.max;
  }

  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
  std::atomic<uint64_t> sum_{0}, max_{0};
};

}  // namespace llm2clip
