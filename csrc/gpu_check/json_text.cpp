#include "json_text.h"

#include <cmath>
#include <cstdio>

namespace llm2clip {
namespace {

std::string joined(const std::vector<std::string>& items) {
  std::string all;
  for (const std::string& item : items) all += (all.empty() ? "" : ", ") + item;
  return all;
}

std::string escaped(char letter) {
  if (letter == '"' || letter == '\\') return {'\\', letter};
  if (static_cast<unsigned char>(letter) >= 0x20) return {letter};
  char code[8];
  std::snprintf(code, sizeof(code), "\\u%04x", static_cast<unsigned>(letter));
  return code;
}

}  // namespace

std::string json_string(const std::string& text) {
  std::string quoted = "\"";
  for (const char letter : text) quoted += escaped(letter);
  return quoted + "\"";
}

std::string json_number(double value, int digits) {
  if (!std::isfinite(value)) return "null";
  char text[400];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::string json_bool(bool value) { return value ? "true" : "false"; }

std::string json_list(const std::vector<std::string>& items) { return "[" + joined(items) + "]"; }

std::string json_strings(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  for (const std::string& text : texts) items.push_back(json_string(text));
  return json_list(items);
}

std::string json_object(const std::vector<JsonField>& fields) {
  std::vector<std::string> all;
  for (const auto& [key, value] : fields) all.push_back(json_string(key) + ": " + value);
  return "{" + joined(all) + "}";
}

}  // namespace llm2clip
