#pragma once

#include <c10/util/Exception.h>

#include <new>
#include <string>

#include "base/error.h"

namespace llm2clip {

// Returns the first line of torch's message. The rest is its C++ stack.
inline std::string first_line(const std::string& message) {
  return message.substr(0, message.find('\n'));
}

// Runs `body` and translates torch's exceptions to Error: a lack of memory to ERR_OUT_OF_MEMORY,
// others to `code`.
template <typename Body>
auto translating_torch_errors(ErrorCode code, const std::string& doing, Body&& body) {
  try {
    return body();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kOutOfMemory, doing + ": out of memory");
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    const bool memory = message.find("allocate memory") != std::string::npos;
    throw Error(memory ? ErrorCode::kOutOfMemory : code, doing + ": " + first_line(message));
  } catch (const std::exception& error) {
    throw Error(code, doing + ": " + first_line(error.what()));
  }
}

}  // namespace llm2clip
