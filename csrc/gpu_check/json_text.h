#pragma once

#include <string>
#include <utility>
#include <vector>

namespace llm2clip {

// Builds JSON text from parts that are JSON already.
using JsonField = std::pair<std::string, std::string>;

std::string json_string(const std::string& text);
// Returns null for NaN and infinity.
std::string json_number(double value, int digits);
std::string json_bool(bool value);
std::string json_list(const std::vector<std::string>& items);
// A list of strings.
std::string json_strings(const std::vector<std::string>& texts);
std::string json_object(const std::vector<JsonField>& fields);

}  // namespace llm2clip
