#include "model/net.h"

#include "base/error.h"

namespace llm2clip {
namespace {

[[noreturn]] void refuse_text() {
  throw Error(ErrorCode::kEngineIncompatible,
              "this engine does not run text towers; convert them with --engine torchscript");
}

}  // namespace

Value Net::pool_attention_alone(Value) {
  throw Error(ErrorCode::kEngineIncompatible,
              "expected an engine that gives patches, found one that does not");
}

Value Net::tokens() { refuse_text(); }
Value Net::text_features() { refuse_text(); }
Value Net::embed(Value, const Weight&) { refuse_text(); }
Value Net::rms_norm(Value, const RmsNorm&) { refuse_text(); }
Value Net::text_attention(Value, const GroupedHeads&, const Rope&) { refuse_text(); }
Value Net::gate(Value) { refuse_text(); }
Value Net::text_mean(Value) { refuse_text(); }
Value Net::l2_normalize(Value) { refuse_text(); }

}  // namespace llm2clip
