#pragma once

#include <algorithm>
#include <chrono>
#include <limits>

#include "engine/engine.h"

namespace llm2clip {

// A linear layer x [rows, in] · [in, out] to measure.
struct LinearSpec {
  int64_t rows, in, out;
  Precision precision;
  int threads;
  double seconds;  // duration of the measurement
};

// Repeats call(), which runs the layer once, for spec.seconds. Returns the rate of the fastest
// repetition in 10⁹ operations per second.
template <typename Call>
double fastest_gflops(const LinearSpec& spec, const Call& call) {
  using Seconds = std::chrono::duration<double>;
  double best = std::numeric_limits<double>::infinity();
  Seconds spent{};
  while (spent.count() < spec.seconds) {
    const auto begin = std::chrono::steady_clock::now();
    call();
    const Seconds took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count());
    spent += took;
  }
  const double operations = 2.0 * static_cast<double>(spec.rows) * static_cast<double>(spec.in) *
                            static_cast<double>(spec.out);
  return operations / best / 1e9;
}

class LinearRate {
 public:
  virtual ~LinearRate() = default;
  // Returns the rate in 10⁹ operations per second of the fastest repetition, computed as the
  // engine's sessions compute it: the rate of this machine's matrix units on a model's own shapes.
  // Blocks the calling thread.
  virtual double gflops(const LinearSpec& spec) = 0;
};

}  // namespace llm2clip
