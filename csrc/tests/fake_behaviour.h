#pragma once

#include <cstdlib>

namespace llm2clip::testing {

// Sets the behaviour of the driver in fake_driver.cpp for the lifetime of this object.
class Behaviour {
 public:
  explicit Behaviour(const char* mode) { ::setenv("LLM2CLIP_FAKE_CUDA", mode, 1); }
  ~Behaviour() { ::unsetenv("LLM2CLIP_FAKE_CUDA"); }
  Behaviour(const Behaviour&) = delete;
  Behaviour& operator=(const Behaviour&) = delete;
};

}  // namespace llm2clip::testing
