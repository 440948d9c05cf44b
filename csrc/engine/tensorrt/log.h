#pragma once

#include <NvInferRuntime.h>

#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"

namespace llm2clip::tensorrt {

// Collects the messages of the vendor's library. The library keeps a pointer to its first logger
// for the lifetime of the process, and calls it from its own threads.
class Log final : public nvinfer1::ILogger {
 public:
  // The only log of the process.
  static Log& get();

  void log(Severity severity, const char* message) noexcept override;

  // Discards earlier messages. Call it before work whose failure is to be explained.
  void clear();

  // Throws `code`, or ERR_OUT_OF_MEMORY if the library reports that, with the messages since
  // clear(). The library's calls themselves return no reason.
  [[noreturn]] void fail(ErrorCode code, const std::string& doing);

 private:
  std::mutex mutex_;
  std::vector<std::string> errors_;
};

// Dereferences a pointer that the library returned. Null means that the call failed.
template <typename T>
T& require(T* given, ErrorCode code, const std::string& doing) {
  if (given == nullptr) Log::get().fail(code, doing);
  return *given;
}

}  // namespace llm2clip::tensorrt
