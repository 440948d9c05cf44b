#pragma once

#include <napi.h>

#include <cstddef>
#include <span>

namespace llm2clip::binding {

// How a result is passed to JavaScript.
struct Delivery {
  bool normalize = true;
  size_t vector = 0;      // numbers that are normalised together; 0: all
  size_t out_offset = 0;  // first element in the caller's array
};

// Copies numbers to a new Float32Array, or to `out` if that is one, and returns the array. To
// normalise, it divides by the Euclidean norm; a zero vector stays zero. Throws ERR_INVALID_BUFFER
// if the caller's memory no longer has room for them.
Napi::Value give(Napi::Env env, std::span<const float> numbers, const Delivery& how,
                 const Napi::Value& out);

// deliver(numbers, normalize, out, outOffset): Float32Array
Napi::Value deliver_array(const Napi::CallbackInfo& info);

}  // namespace llm2clip::binding
