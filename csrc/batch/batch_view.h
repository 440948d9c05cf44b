#pragma once

#include <cstdint>
#include <span>
#include <variant>

namespace llm2clip {

// Inputs of a run, in memory of others. All lie on the host.

struct Images {
  // [count, 3, S, S] f32. In memory that a session gave (batch_memory.h) an image may lie packed in
  // the place of its pixels.
  const float* pixels;
  int64_t count;
  int64_t size;  // numbers of one: 3 · S · S

  Images some(int64_t first, int64_t wanted) const { return {pixels + first * size, wanted, size}; }
};

// What a language model made of texts.
struct Features {
  const float* numbers;  // [count, D] f32
  int64_t count;
  int64_t size;  // numbers of one: D

  Features some(int64_t first, int64_t wanted) const {
    return {numbers + first * size, wanted, size};
  }
};

// Texts one after the other, without padding. A text has at least one token.
struct Texts {
  std::span<const int32_t> ids;
  std::span<const int32_t> offsets;  // [count + 1] where each begins in `ids`; where the last ends
  std::span<const int32_t> pooled;   // [count] over how many tokens at its end the mean is taken

  int64_t count() const { return static_cast<int64_t>(pooled.size()); }
  std::span<const int32_t> text(int64_t i) const {
    const auto place = static_cast<size_t>(i);
    const auto begin = static_cast<size_t>(offsets[place]);
    return ids.subspan(begin, static_cast<size_t>(offsets[place + 1]) - begin);
  }
  // Of all of them together, as a span of `ids`.
  std::span<const int32_t> tokens() const {
    const auto begin = static_cast<size_t>(offsets.front());
    return ids.subspan(begin, static_cast<size_t>(offsets.back()) - begin);
  }
  int64_t tokens_of(int64_t i) const { return static_cast<int64_t>(text(i).size()); }
  int64_t longest() const;

  Texts some(int64_t first, int64_t wanted) const {
    const auto begin = static_cast<size_t>(first), size = static_cast<size_t>(wanted);
    return {ids, offsets.subspan(begin, size + 1), pooled.subspan(begin, size)};
  }
};

// A batch: all of its inputs are of one kind.
using BatchView = std::variant<Images, Texts, Features>;

int64_t count_of(const BatchView& batch);
BatchView some_of(const BatchView& batch, int64_t first, int64_t wanted);

}  // namespace llm2clip
