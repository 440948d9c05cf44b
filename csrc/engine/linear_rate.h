#pragma once

#include "engine/engine.h"

namespace llm2clip {

// A linear layer x [rows, in] · [in, out] to measure.
struct LinearSpec {
  int64_t rows, in, out;
  Precision precision;
  int threads;
  double seconds;  // duration of the measurement
};

class LinearRate {
 public:
  virtual ~LinearRate() = default;
  // Returns the rate in 10⁹ operations per second of the fastest repetition, computed as the
  // engine's sessions compute it: the rate of this machine's matrix units on a model's own shapes.
  // Blocks the calling thread.
  virtual double gflops(const LinearSpec& spec) = 0;
};

}  // namespace llm2clip
