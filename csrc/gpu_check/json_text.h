#pragma once

#include <string>
#include <utility>
#include <vector>

namespace llm2clip {

// JSON as text, of parts that are JSON themselves.
using JsonField = std::pair<std::string, std::string>;

std::string json_string(const std::string& text);
// null for what is no number.
std::string json_number(double value, int digits);
std::string json_bool(bool value);
std::string json_list(const std::vector<std::string>& items);
// A list of texts.
std::string json_strings(const std::vector<std::string>& texts);
std::string json_object(const std::vector<JsonField>& fields);

}  // namespace llm2clip
