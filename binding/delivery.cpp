#include "delivery.h"

#include <algorithm>
#include <cmath>

#include "arguments.h"
#include "typed_array.h"

namespace llm2clip::binding {
namespace {

constexpr int64_t kMostOffset = (int64_t{1} << 53) - 1;

void copy_normalized(std::span<const float> from, float* to) {
  double squares = 0;
  for (const float x : from) squares += static_cast<double>(x) * x;
  const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
  std::ranges::transform(from, to, [scale](float x) { return static_cast<float>(x * scale); });
}

// Copies one vector, or several of `how.vector` numbers.
void copy_vectors(std::span<const float> from, const Delivery& how, float* to) {
  if (!how.normalize) {
    std::ranges::copy(from, to);
    return;
  }
  size_t vector = how.vector == 0 ? from.size() : how.vector;
  for (; !from.empty(); to += vector) {
    vector = std::min(vector, from.size());
    copy_normalized(from.first(vector), to);
    from = from.subspan(vector);
  }
}

}  // namespace

Napi::Value give(Napi::Env env, std::span<const float> numbers, const Delivery& how,
                 const Napi::Value& out) {
  if (!out.IsTypedArray()) {
    auto result = Napi::Float32Array::New(env, numbers.size());
    copy_vectors(numbers, how, result.Data());
    return result;
  }
  // The caller's memory may have been detached or shrunk during the call.
  const std::span<float> room = elements<float>(out, "options.out");
  if (room.size() < how.out_offset || room.size() - how.out_offset < numbers.size()) {
    refuse_buffer(env, "memory that still holds the result", "options.out",
                  std::to_string(room.size()) + " numbers");
  }
  copy_vectors(numbers, how, room.data() + how.out_offset);
  return out;
}

Napi::Value deliver_array(const Napi::CallbackInfo& info) {
  Delivery how{};
  how.normalize = read_boolean(info[1], "normalize");
  how.out_offset = static_cast<size_t>(read_integer(info[3], "outOffset", 0, kMostOffset));
  if (!info[2].IsUndefined()) elements<float>(info[2], "options.out");
  return give(info.Env(), elements<float>(info[0], "embedding"), how, info[2]);
}

}  // namespace llm2clip::binding
