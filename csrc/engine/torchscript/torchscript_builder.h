#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/engine.h"
#include "engine/torchscript/module_writer.h"

namespace llm2clip {

// What both flavours lower alike.
class TorchscriptBuilder : public Builder {
 public:
  Value pixels() final { return out_.emit(out_.input("pixel_values")); }

 protected:
  explicit TorchscriptBuilder(Precision precision) : out_(precision) {}

  static std::string v(Value value) { return ModuleWriter::text(value); }
  std::string optional(const std::optional<Weight>& weight) {
    return weight ? out_.parameter(*weight) : "None";
  }

  ModuleWriter out_;
};

// Fused operators of this project, repacked at load: the fast one.
std::unique_ptr<Builder> native_builder(const BuildOptions& options);

// aten operators alone: opens wherever torch.jit.load does.
std::unique_ptr<Builder> portable_builder(Precision precision);

// 1e-06 as TorchScript's source spells it.
std::string python_float(double value);

}  // namespace llm2clip
