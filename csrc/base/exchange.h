#pragma once

#include <string>

namespace llm2clip {

// Exchanges two directories in one step: a reader sees the one or the other, never neither. Throws
// ERR_IO where the file system cannot.
void exchange_directories(const std::string& a, const std::string& b);

}  // namespace llm2clip
