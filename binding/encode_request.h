#pragma once

#include <napi.h>

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "image/preprocess.h"
#include "pending.h"
#include "serving/request.h"

namespace llm2clip::binding {

// IEEE half-precision numbers, as their bits.
struct Halves {
  std::span<const uint16_t> bits;
};

// Numbers that are the input themselves: pixels, or a feature.
struct Floats {
  std::span<const float> numbers;
  InputKind kind;
};

// A text's tokens, and over how many of them at its end the mean is taken.
struct Tokens {
  std::span<const int32_t> ids;
  int64_t pooled;
};

// A view of JS memory.
using EncodeInput = std::variant<ImageView, Floats, Halves, Tokens>;

// Which inputs a session takes, by their sizes.
struct TakenInputs {
  std::optional<Preprocessing> preprocessing;  // of images; none: it takes no images
  size_t feature_width = 0;                    // 0: it takes no features
  bool texts = false;
};

// Copies of inputs that came in; decoding and resizing, which make other numbers, do not count,
// wherever they are done.
struct InputCopies {
  std::atomic<uint64_t> count{0}, bytes{0};

  void add(size_t size) {
    count.fetch_add(1, std::memory_order_relaxed);
    bytes.fetch_add(size, std::memory_order_relaxed);
  }
};

// One input on its way from JS memory to a promise.
class EncodeRequest final : public Request {
 public:
  struct Context {
    TakenInputs taken;
    std::shared_ptr<Pending> pending;
    std::shared_ptr<InputCopies> copies;
  };

  EncodeRequest(const EncodeInput& input, std::shared_ptr<const Context> context, Pending::Id id)
      : input_(input), context_(std::move(context)), id_(id) {}

  void prepare(const Slot& slot) override;
  void keep() override;
  void complete(std::span<const float> embedding,
                const std::shared_ptr<const void>& owner) override {
    context_->pending->deliver(id_, embedding, owner);
  }
  void fail(std::exception_ptr error) override { context_->pending->fail(id_, std::move(error)); }

 private:
  EncodeInput input_;
  std::vector<std::byte> kept_;
  std::shared_ptr<const Context> context_;
  Pending::Id id_;
};

// An Input, as lib/native.ts describes them. Throws ERR_INVALID_BUFFER where its memory is not what
// it has to be, ERR_INVALID_ARG where the session takes no such input.
EncodeInput parse_input(const Napi::Object& input, const TakenInputs& taken);

InputKind kind_of(const EncodeInput& input);

// What it takes of a batch: its tokens, where it is a text.
size_t weight_of(const EncodeInput& input);

}  // namespace llm2clip::binding
