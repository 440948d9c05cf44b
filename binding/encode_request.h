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

// Half-precision numbers (IEEE 754), as their bits.
struct Halves {
  std::span<const uint16_t> bits;
};

// Numbers that are the input as they are: pixels, or a feature.
struct Floats {
  std::span<const float> numbers;
  InputKind kind;
};

// A text's tokens, and the number of tokens at its end that the mean is over.
struct Tokens {
  std::span<const int32_t> ids;
  int64_t pooled;
};

// A view of JavaScript memory.
using EncodeInput = std::variant<ImageView, Floats, Halves, Tokens>;

// The inputs that a session accepts, by their sizes.
struct TakenInputs {
  std::optional<Preprocessing> preprocessing;  // for images; none: no images
  size_t feature_width = 0;                    // 0: no features
  bool texts = false;
};

// Copies of inputs. Decoding and resizing do not count, because they compute other numbers.
struct InputCopies {
  std::atomic<uint64_t> count{0}, bytes{0};

  void add(size_t size) {
    count.fetch_add(1, std::memory_order_relaxed);
    bytes.fetch_add(size, std::memory_order_relaxed);
  }
};

// One input on its way from JavaScript memory to a promise.
class EncodeRequest final : public Request {
 public:
  struct Context {
    TakenInputs taken;
    std::shared_ptr<Pending> pending;
    std::shared_ptr<InputCopies> copies;
  };

  EncodeRequest(const EncodeInput& input, std::shared_ptr<const Context> context, Pending::Id id)
      : input_(input), context_(std::move(context)), id_(id) {}

  void preprocess(const Slot& slot) override;
  void keep() override;
  void complete(std::span<const float> numbers, const std::shared_ptr<const void>& owner) override {
    context_->pending->deliver(id_, numbers, owner);
  }
  void fail(std::exception_ptr error) override { context_->pending->fail(id_, std::move(error)); }

 private:
  EncodeInput input_;
  std::vector<std::byte> kept_;
  std::shared_ptr<const Context> context_;
  Pending::Id id_;
};

// Parses an Input of lib/native.ts. Throws ERR_INVALID_BUFFER if its memory is invalid, and
// ERR_INVALID_ARG if the session does not accept such an input.
EncodeInput parse_input(const Napi::Object& input, const TakenInputs& taken);

InputKind kind_of(const EncodeInput& input);

// Its weight in a batch: for a text, the number of its tokens.
size_t weight_of(const EncodeInput& input);

}  // namespace llm2clip::binding
