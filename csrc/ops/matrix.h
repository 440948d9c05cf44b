#pragma once

#include <cstddef>
#include <cstdint>

namespace llm2clip {

// The type of the numbers that flow from one operation to the next. bf16 numbers are passed as
// their bits, in uint16_t.
enum class Element { kF32, kBf16 };

constexpr size_t size_of(Element element) { return element == Element::kF32 ? 4 : 2; }

// Views of rows of numbers, one after the other in memory.
struct ConstMatrix {
  const void* data;
  Element element;
  int64_t rows, width;

  template <typename T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
};

struct Matrix {
  void* data;
  Element element;
  int64_t rows, width;

  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
  operator ConstMatrix() const { return {data, element, rows, width}; }  // NOLINT: a view of it
};

// Calls body.operator()<float or uint16_t>().
template <typename Body>
void for_element(Element element, Body&& body) {
  if (element == Element::kF32) return body.template operator()<float>();
  body.template operator()<uint16_t>();
}

}  // namespace llm2clip
