#include "encode_request.h"

#include <algorithm>
#include <cstring>

#include "base/float_convert.h"
#include "engine/text_slot.h"
#include "specs.h"

namespace llm2clip::binding {
namespace {

template <typename... Cases>
struct Overload : Cases... {
  using Cases::operator()...;
};

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

EncodeInput parse_input(const Napi::Object& input) {
  if (const Napi::Value ids = input.Get("ids"); ids.IsTypedArray()) {
    const auto tokens = ids.As<Napi::Int32Array>();
    return Tokens{{tokens.Data(), tokens.ElementLength()},
                  input.Get("pooled").As<Napi::Number>().Int64Value()};
  }
  if (const Napi::Value feature = input.Get("feature"); feature.IsTypedArray()) {
    const auto floats = feature.As<Napi::Float32Array>();
    return std::span<const float>(floats.Data(), floats.ElementLength());
  }
  const Napi::Value values = input.Get("pixelValues");
  if (!values.IsTypedArray()) return parse_image(input);
  if (values.As<Napi::TypedArray>().TypedArrayType() == napi_uint16_array) {
    const auto halves = values.As<Napi::Uint16Array>();
    return Halves{{halves.Data(), halves.ElementLength()}};
  }
  const auto floats = values.As<Napi::Float32Array>();
  return std::span<const float>(floats.Data(), floats.ElementLength());
}

WantedOutput parse_output(const Napi::Object& options) {
  if (!options.Get("patches").IsObject()) return {};
  const auto patches = options.Get("patches").As<Napi::Object>();
  WantedOutput wanted{
      .output = {.patches = true},
      .vector = patches.Get("width").As<Napi::Number>().Uint32Value(),
  };
  if (const Napi::Value layer = patches.Get("layer"); layer.IsNumber()) {
    wanted.output.layer = layer.As<Napi::Number>().Int64Value();
  }
  return wanted;
}

size_t weight_of(const EncodeInput& input) {
  const auto* tokens = std::get_if<Tokens>(&input);
  return tokens == nullptr ? 1 : tokens->ids.size();
}

}  // namespace llm2clip::binding
