#include "encode_request.h"

#include <algorithm>
#include <cstring>

#include "arguments.h"
#include "base/error.h"
#include "base/float_convert.h"
#include "specs.h"
#include "typed_array.h"

namespace llm2clip::binding {
namespace {

constexpr int64_t kMostPooled = 1 << 30;

template <typename... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};

// Writes an input of `size` numbers to a slot as it is.
template <typename T>
std::span<const T> all_of(const Napi::Value& value, size_t size, const char* name) {
  const std::span<T> numbers = elements<T>(value, name);
  if (numbers.size() == size) return numbers;
  refuse_buffer(value.Env(), std::to_string(size) + " numbers", name,
                std::to_string(numbers.size()));
}

void require_taken(bool taken, const char* found) {
  if (taken) return;
  throw Error(ErrorCode::kInvalidArg,
              std::string("expected an input that this session takes, found ") + found);
}

EncodeInput parse_image_input(const Napi::Object& input, int size) {
  const Napi::Value values = input.Get("pixelValues");
  if (values.IsUndefined()) return parse_image(input, input.Get("data"));
  const auto pixels = static_cast<size_t>(images_of(size).numbers());
  const bool are_halves =
      values.IsTypedArray() && values.As<Napi::TypedArray>().TypedArrayType() == napi_uint16_array;
  if (are_halves) return Halves{all_of<uint16_t>(values, pixels, "pixelValues")};
  return Floats{all_of<float>(values, pixels, "pixelValues"), InputKind::kImage};
}

}  // namespace

void EncodeRequest::preprocess(const Slot& slot) {
  std::visit(Overload{[&](const ImageView& image) {
                        const Preprocessing& how = *context_->taken.preprocessing;
                        if (slot.take(image, how)) return;
                        llm2clip::preprocess(image, how, slot.numbers().data());
                      },
                      [&](const Floats& floats) {
                        std::ranges::copy(floats.numbers, slot.numbers().begin());
                        context_->copies->add(floats.numbers.size_bytes());
                      },
                      [&](const Halves& halves) {
                        to_float(Dtype::kF16, std::as_bytes(halves.bits).data(),
                                 slot.numbers().data(), halves.bits.size());
                        context_->copies->add(halves.bits.size_bytes());
                      },
                      [&](const Tokens& tokens) {
                        slot.write(tokens.ids, tokens.pooled);
                        context_->copies->add(tokens.ids.size_bytes());
                      }},
             input_);
}

void EncodeRequest::keep() {
  const auto copy = [this](const void* from, size_t bytes) {
    kept_.resize(bytes);
    std::memcpy(kept_.data(), from, bytes);
    context_->copies->add(bytes);
    return static_cast<const void*>(kept_.data());
  };
  std::visit(Overload{[&](ImageView& image) {
                        const auto bytes =
                            static_cast<size_t>(image.width * image.height * image.channels);
                        image.data = static_cast<const uint8_t*>(copy(image.data, bytes));
                      },
                      [&](Floats& floats) {
                        const auto numbers = floats.numbers;
                        const void* to = copy(numbers.data(), numbers.size_bytes());
                        floats.numbers = {static_cast<const float*>(to), numbers.size()};
                      },
                      [&](Halves& halves) {
                        const void* to = copy(halves.bits.data(), halves.bits.size_bytes());
                        halves.bits = {static_cast<const uint16_t*>(to), halves.bits.size()};
                      },
                      [&](Tokens& tokens) {
                        const void* to = copy(tokens.ids.data(), tokens.ids.size_bytes());
                        tokens.ids = {static_cast<const int32_t*>(to), tokens.ids.size()};
                      }},
             input_);
}

EncodeInput parse_input(const Napi::Object& input, const TakenInputs& taken) {
  if (const Napi::Value ids = input.Get("ids"); !ids.IsUndefined()) {
    require_taken(taken.texts, "a text");
    const int64_t pooled = integer(input, "pooled", 1, kMostPooled);
    return Tokens{elements<int32_t>(ids, "ids"), pooled};
  }
  if (const Napi::Value feature = input.Get("feature"); !feature.IsUndefined()) {
    require_taken(taken.feature_width > 0, "a feature");
    return Floats{all_of<float>(feature, taken.feature_width, "feature"), InputKind::kFeature};
  }
  require_taken(taken.preprocessing.has_value(), "an image");
  return parse_image_input(input, taken.preprocessing->size);
}

InputKind kind_of(const EncodeInput& input) {
  if (std::holds_alternative<Tokens>(input)) return InputKind::kText;
  const auto* floats = std::get_if<Floats>(&input);
  return floats == nullptr ? InputKind::kImage : floats->kind;
}

size_t weight_of(const EncodeInput& input) {
  const auto* tokens = std::get_if<Tokens>(&input);
  return tokens == nullptr ? 1 : tokens->ids.size();
}

}  // namespace llm2clip::binding
