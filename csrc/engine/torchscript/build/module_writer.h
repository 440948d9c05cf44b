#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/torchscript/module_names.h"

namespace llm2clip {

// Writes one TorchScript module: flat source with one assignment per operation, and its parameters,
// each stored once however often it is requested. It knows no model and no operations; both
// flavours are lowered to it.
class ModuleWriter {
 public:
  explicit ModuleWriter(Precision precision);
  ~ModuleWriter();

  // Returns the name of an argument of the current method. Arguments are in the order of their
  // first use.
  std::string input(const std::string& name);
  // Reads the weight now, in the module's precision. Returns e.g. "self.blocks_0_attn_proj_weight".
  std::string parameter(const Weight& weight);
  // Like parameter(), but in f32 whatever the precision.
  std::string parameter_f32(const Weight& weight);
  // A table of which a run reads only a few rows. It stays as stored, whatever type is computed in.
  std::string table(const Weight& weight);
  // The weight of a linear layer, which a native session repacks when it loads the file.
  std::string linear_weight(const Weight& weight);
  // The same in int8. `smoothing`: [in], the divisor of the layer's input, or empty.
  struct Int8Names {
    std::string weight, scales, inverse_smoothing;  // the last one is "None" without smoothing
  };
  Int8Names int8_weight(const Weight& weight, const std::vector<float>& smoothing);
  // A tensor in f32 whatever the precision, e.g. the angles of a rotary embedding.
  std::string buffer(const std::vector<float>& values, const Shape& shape);
  // A tensor of the type that weights are stored in.
  std::string typed_one();
  void set_tokens(int64_t tokens) { tokens_ = tokens; }

  Value reserve() { return {values_++}; }
  void assign(const std::vector<Value>& targets, const std::string& expression);
  Value emit(const std::string& expression);  // "v7 = <expression>"
  static std::string text(Value value);       // "v7"

  // Adds a statement to the current method.
  void line(const std::string& statement) { source_ += "    " + statement + "\n"; }
  // Makes the source so far the body of another method than forward. forward comes last.
  void end_method(const std::string& name, const std::string& further_arguments);

  // `frozen` folds the parameters into the graph as constants.
  BuildReport save(Value embedding, const std::string& path, bool frozen);

 private:
  struct Module;  // keeps torch's headers out of the lowerings
  struct Method {
    std::string name, arguments, source;
  };
  std::string unique_name(const std::string& name);
  std::string arguments() const;
  std::string parameter(const Weight& weight, Precision precision);

  std::unique_ptr<Module> module_;
  Precision precision_;
  std::string source_;
  std::vector<Method> methods_;
  // By the name of the weight and the precision that it is stored in.
  std::map<std::pair<std::string, Precision>, std::string> written_;
  std::map<std::string, Int8Names> written_int8_;
  std::vector<std::string> inputs_, tables_, linear_weights_, int8_weights_;
  int values_ = 0;
  int64_t parameters_ = 0, tokens_ = 0;
};

}  // namespace llm2clip
