#pragma once

#include <napi.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace llm2clip::binding {

// Checked readers of JavaScript values. Native code relies on no check in lib. Each reader throws
// ERR_INVALID_ARG, "expected <what> for <name>, found <value>". typed_array.h reads the memory of
// typed arrays. A property may be a getter, whose JavaScript may detach memory; so read memory
// last.

[[noreturn]] void refuse_argument(const std::string& expected, std::string_view name,
                                  const Napi::Value& found);

// A number without a fraction, from `least` to `most`, which doubles represent exactly.
int64_t read_integer(const Napi::Value& value, std::string_view name, int64_t least, int64_t most);
// A finite number, from `least` to `most`.
double read_number(const Napi::Value& value, std::string_view name, double least, double most);
bool read_boolean(const Napi::Value& value, std::string_view name);
// A string without zero characters, at which the system would cut it.
std::string read_string(const Napi::Value& value, std::string_view name);
// The number of threads that compute something.
int read_threads(const Napi::Value& value);
Napi::Object read_object(const Napi::Value& value, std::string_view name);
Napi::Array read_array(const Napi::Value& value, std::string_view name);

// Returns the value for the string of this name.
template <typename T>
struct Choice {
  const char* name;
  T value;
};
template <typename T>
T one_of(const Napi::Value& value, const char* name, std::initializer_list<Choice<T>> choices) {
  const std::string found = value.IsString() ? read_string(value, name) : "";
  std::string names;
  for (const Choice<T>& choice : choices) {
    if (found == choice.name) return choice.value;
    names += (names.empty() ? "" : ", ") + std::string(choice.name);
  }
  refuse_argument("one of " + names, name, value);
}

// Applies `read` to each element.
template <typename Read>
auto read_all(const Napi::Array& array, const Read& read) {
  std::vector<decltype(read(Napi::Value()))> values;
  for (uint32_t i = 0; i < array.Length(); ++i) values.push_back(read(Napi::Value(array.Get(i))));
  return values;
}

// The same for properties. Messages name them by their key.
inline int64_t integer(const Napi::Object& object, const char* key, int64_t least, int64_t most) {
  return read_integer(object.Get(key), key, least, most);
}
inline double number(const Napi::Object& object, const char* key, double least, double most) {
  return read_number(object.Get(key), key, least, most);
}
inline bool boolean(const Napi::Object& object, const char* key) {
  return read_boolean(object.Get(key), key);
}
inline std::string string(const Napi::Object& object, const char* key) {
  return read_string(object.Get(key), key);
}
inline Napi::Object child(const Napi::Object& object, const char* key) {
  return read_object(object.Get(key), key);
}
inline Napi::Array list(const Napi::Object& object, const char* key) {
  return read_array(object.Get(key), key);
}

// Whether the property exists and is not undefined.
inline bool has(const Napi::Object& object, const char* key) {
  return !object.Get(key).IsUndefined();
}

template <typename T>
T one_of(const Napi::Object& object, const char* key, std::initializer_list<Choice<T>> choices) {
  return one_of(object.Get(key), key, choices);
}

}  // namespace llm2clip::binding
