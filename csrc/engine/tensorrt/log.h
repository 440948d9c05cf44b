#pragma once

#include <NvInferRuntime.h>

#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"

namespace llm2clip::tensorrt {

// What the vendor's library says. It keeps a pointer to the first one it is given for as long as
// the process lives, and calls it from threads of its own.
class Log final : public nvinfer1::ILogger {
 public:
  // The process's one log.
  static Log& get();

  void log(Severity severity, const char* message) noexcept override;

  // Forgets what was said before: to be called before work whose failure is to be explained.
  void clear();

  // Throws `code`, or ERR_OUT_OF_MEMORY where the library says so, with what it said since clear():
  // its calls tell nothing themselves.
  [[noreturn]] void fail(ErrorCode code, const std::string& doing);

 private:
  std::mutex mutex_;
  std::vector<std::string> errors_;
};

// A pointer that the library gave; null means that it failed.
template <typename T>
T& require(T* given, ErrorCode code, const std::string& doing) {
  if (given == nullptr) Log::get().fail(code, doing);
  return *given;
}

}  // namespace llm2clip::tensorrt
