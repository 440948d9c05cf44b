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

// A text's tokens, and over how many of them at its end the mean is taken.
struct Tokens {
  std::span<const int32_t> ids;
  int64_t pooled;
};

// A view of JS memory: a picture, numbers that are the input themselves, or a text.
using EncodeInput = std::variant<ImageView, std::span<const float>, Halves, Tokens>;

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
    std::optional<Preprocessing> preprocessing;  // of pictures
    size_t slot_size;                            // floats of one input
    bool texts;                                  // inputs are texts
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

// An Input, as lib/native.ts describes them, of the kind that the session takes. Throws
// ERR_INVALID_ARG, and ERR_INVALID_BUFFER where its memory is not what it has to be.
EncodeInput parse_input(const Napi::Object& input, const EncodeRequest::Context& context);

// Of options.patches, as lib/native.ts describes it: what the run is to give, and how many numbers
// make one vector of it, 0 where all of them do.
struct WantedOutput {
  Output output;
  size_t vector = 0;
};
WantedOutput parse_output(const Napi::Object& options);

// What it takes of a batch: its tokens, where it is a text.
size_t weight_of(const EncodeInput& input);

}  // namespace llm2clip::binding
