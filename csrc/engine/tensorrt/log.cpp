#include "engine/tensorrt/log.h"

#include <algorithm>
#include <memory>

namespace llm2clip::tensorrt {
namespace {

// The first errors name the cause. Later ones are its consequences.
constexpr size_t kKept = 3;

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

// The library adds this error to every other error on a machine without a GPU.
bool is_of_absent_gpu(const std::string& error) {
  return contains(error, "catchCudaError") && contains(error, "CUDA driver version");
}

bool is_of_memory(const std::string& error) {
  return contains(error, "OutOfMemory") || contains(error, "out of memory") ||
         contains(error, "Out of memory");
}

}  // namespace

Log& Log::get() {
  // Never destroyed, because the library may still log while the process ends.
  static Log& log = *std::make_unique<Log>().release();
  return log;
}

void Log::log(Severity severity, const char* message) noexcept {
  if (severity > Severity::kERROR) return;
  try {
    const std::lock_guard lock(mutex_);
    if (errors_.size() < kKept && !is_of_absent_gpu(message)) errors_.emplace_back(message);
  } catch (...) {  // without memory, the message is dropped
  }
}

void Log::clear() {
  const std::lock_guard lock(mutex_);
  errors_.clear();
}

void Log::fail(ErrorCode code, const std::string& doing) {
  const std::lock_guard lock(mutex_);
  std::string text = doing;
  for (const std::string& error : errors_) text += (&error == &errors_[0] ? ": " : "; ") + error;
  const bool memory = std::any_of(errors_.begin(), errors_.end(), is_of_memory);
  throw Error(memory ? ErrorCode::kOutOfMemory : code, text);
}

}  // namespace llm2clip::tensorrt
