#pragma once

#include <napi.h>

#include <cstdint>
#include <span>
#include <string>

namespace llm2clip::binding {

// The JavaScript arrays that hold elements of type T.
template <typename T>
struct ArrayOf;
template <>
struct ArrayOf<float> {
  static constexpr const char* kName = "a Float32Array";
  static bool is(napi_typedarray_type type) { return type == napi_float32_array; }
};
template <>
struct ArrayOf<int32_t> {
  static constexpr const char* kName = "an Int32Array";
  static bool is(napi_typedarray_type type) { return type == napi_int32_array; }
};
template <>
struct ArrayOf<uint32_t> {
  static constexpr const char* kName = "a Uint32Array";
  static bool is(napi_typedarray_type type) { return type == napi_uint32_array; }
};
template <>
struct ArrayOf<uint16_t> {
  static constexpr const char* kName = "a Uint16Array";
  static bool is(napi_typedarray_type type) { return type == napi_uint16_array; }
};
template <>
struct ArrayOf<uint8_t> {
  static constexpr const char* kName = "a Uint8Array or Uint8ClampedArray";
  static bool is(napi_typedarray_type type) {
    return type == napi_uint8_array || type == napi_uint8_clamped_array;
  }
};

// Throws a JS Error with ERR_INVALID_BUFFER: "expected <expected> for <name>, found <found>".
[[noreturn]] void refuse_buffer(Napi::Env env, const std::string& expected, const char* name,
                                const std::string& found);

// Returns the memory of a typed array as N-API knows it. Properties of the JavaScript object, such
// as its length, class or buffer, are never read, because a caller may have replaced them. Returns
// an empty span if the memory is detached. Throws ERR_INVALID_BUFFER if the value is no such array.
template <typename T>
std::span<T> elements(const Napi::Value& value, const char* name) {
  if (value.IsTypedArray()) {
    auto array = value.As<Napi::TypedArrayOf<T>>();
    if (ArrayOf<T>::is(array.TypedArrayType())) return {array.Data(), array.ElementLength()};
  }
  refuse_buffer(value.Env(), ArrayOf<T>::kName, name, "another value");
}

// The same for rows: throws if the array does not hold a whole number of rows.
template <typename T>
std::span<T> rows_of(const Napi::Value& value, size_t row, const char* name) {
  const std::span<T> found = elements<T>(value, name);
  if (row > 0 && found.size() % row == 0) return found;
  refuse_buffer(value.Env(), "rows of " + std::to_string(row) + " numbers", name,
                std::to_string(found.size()));
}

}  // namespace llm2clip::binding
