#pragma once

#include <napi.h>

#include <cstddef>
#include <span>

namespace llm2clip::binding {

// How a result is given to JavaScript.
struct Delivery {
  bool normalize = true;
  size_t vector = 0;      // numbers that are normalised together; 0: all
  size_t out_offset = 0;  // where it begins in the caller's array
};

// Copies numbers into a new Float32Array, or into `out` where that is one, and gives the array.
// What is normalised is divided by its Euclidean norm; a zero vector stays zero. Throws
// ERR_INVALID_BUFFER where the caller's memory has no room for them any more.
Napi::Value give(Napi::Env env, std::span<const float> numbers, const Delivery& how,
                 const Napi::Value& out);

// deliver(numbers, normalize, out, outOffset): Float32Array
Napi::Value deliver_array(const Napi::CallbackInfo& info);

}  // namespace llm2clip::binding
