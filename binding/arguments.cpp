#include "arguments.h"

#include <cmath>

#include "base/error.h"

namespace llm2clip::binding {
namespace {

constexpr size_t kLongestShown = 80;
constexpr int64_t kMostThreads = 1024;

std::string shown(const Napi::Value& value) {
  switch (value.Type()) {
    case napi_undefined: return "undefined";
    case napi_null: return "null";
    case napi_boolean: return value.As<Napi::Boolean>().Value() ? "true" : "false";
    case napi_number: return value.ToString().Utf8Value();
    case napi_string: return value.As<Napi::String>().Utf8Value().substr(0, kLongestShown);
    case napi_symbol: return "a symbol";
    case napi_function: return "a function";
    case napi_bigint: return "a bigint";
    default: return value.IsArray() ? "an array" : "an object";
  }
}

// Writes whole numbers without a fraction.
std::string shown(double x) {
  return std::trunc(x) == x && std::abs(x) < 1e15 ? std::to_string(static_cast<int64_t>(x))
                                                  : std::to_string(x);
}

double number_or_nan(const Napi::Value& value) {
  double x = NAN;
  return napi_get_value_double(value.Env(), value, &x) == napi_ok ? x : NAN;
}

}  // namespace

void refuse_argument(const std::string& expected, std::string_view name, const Napi::Value& found) {
  throw Error(ErrorCode::kInvalidArg,
              "expected " + expected + " for " + std::string(name) + ", found " + shown(found));
}

int64_t read_integer(const Napi::Value& value, std::string_view name, int64_t least, int64_t most) {
  const double x = number_or_nan(value);
  if (std::trunc(x) == x && x >= static_cast<double>(least) && x <= static_cast<double>(most)) {
    return static_cast<int64_t>(x);
  }
  refuse_argument("an integer from " + std::to_string(least) + " to " + std::to_string(most), name,
                  value);
}

double read_number(const Napi::Value& value, std::string_view name, double least, double most) {
  const double x = number_or_nan(value);
  if (x >= least && x <= most && std::isfinite(x)) return x;
  refuse_argument("a number from " + shown(least) + " to " + shown(most), name, value);
}

bool read_boolean(const Napi::Value& value, std::string_view name) {
  bool x = false;
  if (napi_get_value_bool(value.Env(), value, &x) == napi_ok) return x;
  refuse_argument("a boolean", name, value);
}

std::string read_string(const Napi::Value& value, std::string_view name) {
  if (!value.IsString()) refuse_argument("a string", name, value);
  std::string text = value.As<Napi::String>().Utf8Value();
  if (text.find('\0') != std::string::npos) {
    refuse_argument("a string without zero characters", name, value);
  }
  return text;
}

int read_threads(const Napi::Value& value) {
  return static_cast<int>(read_integer(value, "threads", 1, kMostThreads));
}

Napi::Object read_object(const Napi::Value& value, std::string_view name) {
  if (value.IsObject()) return value.As<Napi::Object>();
  refuse_argument("an object", name, value);
}

Napi::Array read_array(const Napi::Value& value, std::string_view name) {
  if (value.IsArray()) return value.As<Napi::Array>();
  refuse_argument("an array", name, value);
}

}  // namespace llm2clip::binding
