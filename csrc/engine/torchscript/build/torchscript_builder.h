#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "engine/torchscript/build/module_writer.h"

namespace llm2clip {

// What the lowerings of both flavours have in common.
class TorchscriptBuilder : public Builder {
 public:
  Value pixels() final { return out_.emit(out_.input("pixel_values")); }

  bool begin_patches() override {
    in_patches_ = true;
    return true;
  }

  void hidden_state(Value tokens) final {
    if (!in_patches_) return;
    const std::string result = patches(v(tokens));
    out_.line("if layer == " + std::to_string(hidden_states_++) + ":");
    out_.line("    return " + result);
  }

  void end_patches(Value tokens) final {
    out_.line("return " + patches(v(tokens)));
    out_.end_method(kPatches, ", layer: int");
    in_patches_ = false;
  }

  // For a single token softmax gives 1, so the result is its value.
  Value pool_attention_alone(Value kv) final {
    return out_.emit(v(kv) + ".unflatten(-1, [2, -1]).select(-2, 1)");
  }

 protected:
  explicit TorchscriptBuilder(Precision precision) : out_(precision) {}

  // Returns the name of a value that the caller is about to read.
  virtual std::string v(Value value) { return ModuleWriter::text(value); }
  // Called for each tower. If there is a class token, it comes first.
  void set_tokens(const Tokens& tokens) {
    first_patch_ = tokens.cls ? 1 : 0;
    patches_ = tokens.position.shape()[1] - first_patch_;
  }
  std::string optional(const std::optional<Weight>& weight) {
    return weight ? out_.parameter(*weight) : "None";
  }

  ModuleWriter out_;

 private:
  std::string patches(const std::string& tokens) const {
    return tokens + ".narrow(1, " + std::to_string(first_patch_) + ", " + std::to_string(patches_) +
           ").float()";
  }

  bool in_patches_ = false;
  int64_t first_patch_ = 0, patches_ = 0, hidden_states_ = 0;
};

// Uses this project's fused operators, which repack weights at load. It is the fast flavour.
std::unique_ptr<Builder> native_builder(const BuildOptions& options);

// Uses only aten operators. Its files open wherever torch.jit.load does.
std::unique_ptr<Builder> portable_builder(Precision precision);

// Writes a number as TorchScript's source spells it, e.g. 1e-06.
std::string python_float(double value);

}  // namespace llm2clip
