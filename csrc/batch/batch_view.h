#pragma once

#include <cstdint>
#include <span>
#include <variant>

namespace llm2clip {

// The inputs of a run, as views of memory that others own. All of it is on the host.

struct Images {
  // [count, 3, S, S] f32. In memory from batch_memory(), an image may be packed in the place of its
  // pixels, see batch_memory.h.
  const float* pixels;
  int64_t count;
  int64_t size;  // numbers per image: 3 · S · S

  Images some(int64_t first, int64_t wanted) const { return {pixels + first * size, wanted, size}; }
};

// The features that a language model computed from texts.
struct Features {
  const float* numbers;  // [count, D] f32
  int64_t count;
  int64_t size;  // numbers per feature: D

  Features some(int64_t first, int64_t wanted) const {
    return {numbers + first * size, wanted, size};
  }
};

// Texts one after the other, without padding. Each text has at least one token.
struct Texts {
  std::span<const int32_t> ids;
  std::span<const int32_t> offsets;  // [count + 1] begin of each text in `ids`, and end of the last
  std::span<const int32_t> pooled;   // [count] number of tokens at its end that the mean is over

  int64_t count() const { return static_cast<int64_t>(pooled.size()); }
  std::span<const int32_t> text(int64_t i) const {
    const auto place = static_cast<size_t>(i);
    const auto begin = static_cast<size_t>(offsets[place]);
    return ids.subspan(begin, static_cast<size_t>(offsets[place + 1]) - begin);
  }
  // The tokens of all texts, as a span of `ids`.
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

// A batch. All of its inputs are of one kind.
using BatchView = std::variant<Images, Texts, Features>;

int64_t count_of(const BatchView& batch);
BatchView some_of(const BatchView& batch, int64_t first, int64_t wanted);

}  // namespace llm2clip
