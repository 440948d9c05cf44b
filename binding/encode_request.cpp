#include "encode_request.h"

#include <algorithm>
#include <cstring>

#include "arguments.h"
#include "base/float_convert.h"
#include "engine/text_slot.h"
#include "specs.h"
#include "typed_array.h"

namespace llm2clip::binding {
namespace {

constexpr int64_t kMostPooled = 1 << 30, kMostPatchWidth = 1 << 20, kMostLayer = 1 << 20;

template <typename... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};

// An input whose numbers are written into a slot as they are.
template <typename T>
std::span<const T> whole_slot(const Napi::Value& value, size_t slot_size, const char* name) {
  const std::span<T> numbers = elements<T>(value, name);
  if (numbers.size() == slot_size) return numbers;
  refuse_buffer(value.Env(), std::to_string(slot_size) + " numbers", name,
                std::to_string(numbers.size()));
}

}  // namespace

void EncodeRequest::prepare(const Slot& slot) {
  std::visit(Overload{[&](const ImageView& image) {
                        const Preprocessing& how = *context_->preprocessing;
                        if (slot.take(image, how)) return;
                        llm2clip::preprocess(image, how, slot.numbers().data());
                      },
                      [&](std::span<const float> pixels) {
                        std::ranges::copy(pixels, slot.numbers().begin());
                        context_->copies->add(pixels.size_bytes());
                      },
                      [&](const Halves& halves) {
                        to_float(Dtype::kF16, std::as_bytes(halves.bits).data(),
                                 slot.numbers().data(), halves.bits.size());
                        context_->copies->add(halves.bits.size_bytes());
                      },
                      [&](const Tokens& tokens) {
                        write_text(tokens.ids, tokens.pooled, slot.numbers());
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
                      [&](std::span<const float>& pixels) {
                        const void* to = copy(pixels.data(), pixels.size_bytes());
                        pixels = {static_cast<const float*>(to), pixels.size()};
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

EncodeInput parse_input(const Napi::Object& input, const EncodeRequest::Context& context) {
  const Napi::Value ids = input.Get("ids");
  if (ids.IsUndefined() == context.texts) {
    throw Error(ErrorCode::kInvalidArg, context.texts
                                            ? "expected a text for a session of texts"
                                            : "expected no text for a session of other inputs");
  }
  if (context.texts) {
    const int64_t pooled = integer(input, "pooled", 1, kMostPooled);
    return Tokens{elements<int32_t>(ids, "ids"), pooled};
  }
  if (const Napi::Value feature = input.Get("feature"); !feature.IsUndefined()) {
    return whole_slot<float>(feature, context.slot_size, "feature");
  }
  const Napi::Value values = input.Get("pixelValues");
  if (values.IsUndefined()) {
    if (context.preprocessing) return parse_image(input, input.Get("data"));
    throw Error(ErrorCode::kInvalidArg, "expected a feature for a session of features");
  }
  if (values.IsTypedArray() &&
      values.As<Napi::TypedArray>().TypedArrayType() == napi_uint16_array) {
    return Halves{whole_slot<uint16_t>(values, context.slot_size, "pixelValues")};
  }
  return whole_slot<float>(values, context.slot_size, "pixelValues");
}

WantedOutput parse_output(const Napi::Object& options) {
  if (!has(options, "patches")) return {};
  const Napi::Object patches = child(options, "patches");
  WantedOutput wanted{
      .output = {.patches = true},
      .vector = static_cast<size_t>(integer(patches, "width", 1, kMostPatchWidth)),
  };
  if (has(patches, "layer")) wanted.output.layer = integer(patches, "layer", 0, kMostLayer);
  return wanted;
}

size_t weight_of(const EncodeInput& input) {
  const auto* tokens = std::get_if<Tokens>(&input);
  return tokens == nullptr ? 1 : tokens->ids.size();
}

}  // namespace llm2clip::binding
