#include "ops/rows.h"

#include "base/float_convert.h"
#include "kernels/cpu/rows.h"

namespace llm2clip {
namespace {

// Calls body.operator()<X, Y>() for two elements.
template <typename Body>
void for_elements(Element x, Element y, const Body& body) {
  for_element(x, [&]<typename X>() {
    for_element(y, [&]<typename Y>() { body.template operator()<X, Y>(); });
  });
}

}  // namespace

void add(Workers& workers, ConstMatrix x, ConstMatrix y, Matrix out) {
  for_elements(x.element, y.element, [&]<typename X, typename Y>() {
    workers.run_rows(out.rows, [&](int64_t first, int64_t last) {
      const int64_t at = first * out.width;
      add_numbers(x.as<X>() + at, y.as<Y>() + at, out.as<float>() + at, (last - first) * out.width);
    });
  });
}

void convert(Workers& workers, ConstMatrix x, Matrix out) { select_columns(workers, x, 0, out); }

void select_token(Workers& workers, ConstMatrix x, int64_t tokens, int64_t token, Matrix out) {
  const auto* begin = x.as<std::byte>() + static_cast<size_t>(token * x.width) * size_of(x.element);
  // Each image as one long row that begins with the token.
  select_columns(workers, {begin, x.element, out.rows, tokens * x.width}, 0, out);
}

void select_columns(Workers& workers, ConstMatrix x, int64_t first_column, Matrix out) {
  for_elements(x.element, out.element, [&]<typename X, typename Out>() {
    workers.run_rows(out.rows, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        convert_numbers(x.as<X>() + row * x.width + first_column, out.as<Out>() + row * out.width,
                        out.width);
      }
    });
  });
}

void embed(Workers& workers, const std::byte* table, Dtype dtype, std::span<const int32_t> ids,
           Matrix out) {
  const auto width = static_cast<size_t>(out.width);
  workers.run_rows(out.rows, [&](int64_t first, int64_t last) {
    for (auto row = static_cast<size_t>(first); row < static_cast<size_t>(last); ++row) {
      const std::byte* from = table + static_cast<size_t>(ids[row]) * width * size_of(dtype);
      to_float(dtype, from, out.as<float>() + row * width, width);
    }
  });
}

void text_mean(Workers& workers, std::span<const int32_t> offsets, std::span<const int32_t> pooled,
               ConstMatrix x, Matrix out) {
  for_element(x.element, [&]<typename X>() {
    workers.run(out.rows, [&](int64_t text, int64_t) {
      const int64_t end = offsets[static_cast<size_t>(text) + 1] - offsets[0];
      const int64_t count = pooled[static_cast<size_t>(text)];
      mean_of_rows(x.as<X>() + (end - count) * x.width, out.as<float>() + text * out.width, count,
                   x.width);
    });
  });
}

void l2_normalize(Workers& workers, ConstMatrix x, Matrix out) {
  for_elements(x.element, out.element, [&]<typename X, typename Out>() {
    workers.run_rows(out.rows, [&](int64_t first, int64_t last) {
      l2_normalize_rows(x.as<X>(), out.as<Out>(), out.width, first, last);
    });
  });
}

}  // namespace llm2clip
