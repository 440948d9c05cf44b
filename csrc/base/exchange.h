#pragma once

#include <string>

namespace llm2clip {

// Exchanges two directories atomically: a reader always sees one of them under each name. Throws
// ERR_IO when the file system does not support it.
void exchange_directories(const std::string& a, const std::string& b);

}  // namespace llm2clip
