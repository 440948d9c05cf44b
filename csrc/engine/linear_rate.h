#pragma once

#include "engine/engine.h"

namespace llm2clip {

// A linear layer x [rows, in] · [in, out], to be timed.
struct LinearSpec {
  int64_t rows, in, out;
  Precision precision;
  int threads;
  double seconds;  // how long to go on repeating it
};

class LinearRate {
 public:
  virtual ~LinearRate() = default;
  // 10⁹ operations a second of the fastest repetition, as the engine's sessions compute it: what
  // this machine's matrix units give on a model's own shapes. Blocks the calling thread.
  virtual double gflops(const LinearSpec& spec) = 0;
};

}  // namespace llm2clip
