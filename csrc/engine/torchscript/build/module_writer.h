#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "engine/torchscript/module_names.h"

namespace llm2clip {

// Writes one TorchScript module: flat source of one assignment an operation, and the parameters it
// names, each kept once however often it is asked for. Knows no model and no operation; both
// flavours are lowered onto it.
class ModuleWriter {
 public:
  explicit ModuleWriter(Precision precision);
  ~ModuleWriter();

  // An argument of the method that is being written, in the order in which they are first asked
  // for. Gives its name.
  std::string input(const std::string& name);
  // Reads the weight now, in the module's precision. Gives "self.blocks_0_attn_proj_weight".
  std::string parameter(const Weight& weight);
  // The same in f32 whatever the precision.
  std::string parameter_f32(const Weight& weight);
  // Of which a few rows are read at a time: whatever is computed in, it stays as it is.
  std::string table(const Weight& weight);
  // The weight of a linear, which a native session repacks when it loads.
  std::string linear_weight(const Weight& weight);
  // The same in int8. `smoothing`: [in], what the linear's input is divided by, or empty.
  struct Int8Names {
    std::string weight, scales, inverse_smoothing;  // the last "None" without smoothing
  };
  Int8Names int8_weight(const Weight& weight, const std::vector<float>& smoothing);
  // f32 whatever the precision, e.g. the angles of a rotary embedding.
  std::string buffer(const std::vector<float>& values, const Shape& shape);
  // A tensor of the type that weights are stored in.
  std::string typed_one();
  // An attribute that says what a linear's input is kept in; see observation.h.
  std::string observation(const Weight& weight);
  void set_tokens(int64_t tokens) { tokens_ = tokens; }

  Value reserve() { return {values_++}; }
  void assign(const std::vector<Value>& targets, const std::string& expression);
  Value emit(const std::string& expression);  // "v7 = <expression>"
  static std::string text(Value value);       // "v7"

  // What comes next in the method that is being written.
  void line(const std::string& statement) { source_ += "    " + statement + "\n"; }
  // What was said so far is the body of a method beside forward, which comes last.
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
  // By the weights' names and what they are kept in.
  std::map<std::pair<std::string, Precision>, std::string> written_;
  std::map<std::string, Int8Names> written_int8_;
  std::vector<std::string> inputs_, tables_, linear_weights_, int8_weights_, observed_;
  int values_ = 0;
  int64_t parameters_ = 0, tokens_ = 0;
};

}  // namespace llm2clip
