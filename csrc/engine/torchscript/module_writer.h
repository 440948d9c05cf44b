#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace llm2clip {

// Writes one TorchScript module: flat source of one assignment an operation, and the parameters it
// names. Knows no model and no operation; both flavours are lowered onto it.
class ModuleWriter {
 public:
  explicit ModuleWriter(Precision precision);
  ~ModuleWriter();

  // Reads the weight now, in the module's precision. Gives "self.blocks_0_attn_proj_weight".
  std::string parameter(const Weight& weight);
  // The same for the weight of a linear, which a native session repacks when it loads.
  std::string linear_weight(const Weight& weight);
  // f32 whatever the precision, e.g. the angles of a rotary embedding.
  std::string buffer(const std::vector<float>& values, const Shape& shape);

  Value emit(const std::string& expression);  // "v7 = <expression>"
  static std::string text(Value value);       // "v7"

  // `frozen` folds the parameters into the graph as constants.
  BuildReport save(Value embedding, const std::string& path, bool frozen);

 private:
  struct Module;  // keeps torch's headers out of the lowerings
  std::string unique_name(const std::string& name);

  std::unique_ptr<Module> module_;
  Precision precision_;
  std::string source_;
  std::vector<std::string> linear_weights_;
  int values_ = 0;
  int64_t parameters_ = 0;
};

}  // namespace llm2clip
