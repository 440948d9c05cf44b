#include "engine/torchscript/build/module_writer.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/frontend/sugared_value.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/serialization/export.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <utility>

#include "base/error.h"
#include "base/output_file.h"
#include "engine/torchscript/compute_type.h"
#include "engine/torchscript/int8_weight.h"
#include "engine/torchscript/torch_error.h"

namespace llm2clip {
namespace {

namespace jit = torch::jit;

Dtype dtype(Precision precision) {
  switch (precision) {
    case Precision::kFp32: return Dtype::kF32;
    case Precision::kFp16: return Dtype::kF16;
    case Precision::kBf16:
    case Precision::kInt8: return Dtype::kBF16;
  }
  return Dtype::kF32;
}

// `ops.<namespace>.<operator>`, as in Python's torch.ops.
struct OperatorNamespaces : jit::SugaredValue {
  std::string kind() const override { return "operator namespaces"; }
  std::shared_ptr<jit::SugaredValue> attr(const jit::SourceRange&, jit::GraphFunction&,
                                          const std::string& field) override {
    return std::make_shared<jit::BuiltinModule>(field);
  }
};

struct OperatorResolver : jit::NativeResolver {
  std::shared_ptr<jit::SugaredValue> resolveValue(const std::string& name,
                                                  jit::GraphFunction& graph,
                                                  const jit::SourceRange& where) override {
    if (name == "ops") return std::make_shared<OperatorNamespaces>();
    return jit::NativeResolver::resolveValue(name, graph, where);
  }
};

at::Tensor read_tensor(const Weight& weight, Precision precision) {
  at::Tensor tensor = at::empty(weight.shape(), stored_type(precision));
  weight.read(dtype(precision), {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()});
  return tensor;
}

// Adds the name of an attribute, which `reference` writes as "self.name".
void add_once(std::vector<std::string>& list, const std::string& reference) {
  std::string name = reference.substr(sizeof("self.") - 1);
  if (std::ranges::find(list, name) == list.end()) list.push_back(std::move(name));
}

// torch's writer writes the end of the file in its destructor. So the function that it writes with
// must neither throw nor report fewer bytes than it got. A failure is thrown after torch has ended.
void write_module(const jit::Module& module, const std::string& path) {
  OutputFile file(path);
  std::exception_ptr failure;
  const auto write = [&](const void* data, size_t size) -> size_t {
    try {
      if (!failure) file.write({static_cast<const std::byte*>(data), size});
    } catch (...) {
      failure = std::current_exception();
    }
    return size;
  };
  jit::ExportModule(module, write);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

struct ModuleWriter::Module {
  jit::Module module{"LLM2CLIP"};
};

ModuleWriter::ModuleWriter(Precision precision)
    : module_(std::make_unique<Module>()), precision_(precision) {}

ModuleWriter::~ModuleWriter() = default;

std::string ModuleWriter::unique_name(const std::string& name) {
  std::string attribute = name;
  for (char& c : attribute) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  while (module_->module.hasattr(attribute)) attribute += "_";
  return attribute;
}

std::string ModuleWriter::parameter(const Weight& weight, Precision precision) {
  std::string& reference = written_[{weight.name(), precision}];
  if (!reference.empty()) return reference;
  const std::string name = unique_name(weight.first_name());
  module_->module.register_parameter(name, read_tensor(weight, precision), false);
  parameters_ += weight.parameters();
  return reference = "self." + name;
}

std::string ModuleWriter::parameter(const Weight& weight) { return parameter(weight, precision_); }

std::string ModuleWriter::parameter_f32(const Weight& weight) {
  return parameter(weight, Precision::kFp32);
}

std::string ModuleWriter::input(const std::string& name) {
  if (std::ranges::find(inputs_, name) == inputs_.end()) inputs_.push_back(name);
  return name;
}

std::string ModuleWriter::table(const Weight& weight) {
  std::string reference = parameter(weight);
  add_once(tables_, reference);
  return reference;
}

std::string ModuleWriter::linear_weight(const Weight& weight) {
  std::string reference = parameter(weight);
  add_once(linear_weights_, reference);
  return reference;
}

ModuleWriter::Int8Names ModuleWriter::int8_weight(const Weight& weight,
                                                  const std::vector<float>& smoothing) {
  if (const auto found = written_int8_.find(weight.name()); found != written_int8_.end()) {
    return found->second;
  }
  const std::string name = unique_name(weight.first_name());
  Int8Names names{"self." + name, "self." + name + "_scales", "None"};
  const auto in = static_cast<size_t>(weight.shape().back());
  if (!smoothing.empty() && smoothing.size() != in) {
    throw Error(ErrorCode::kInvalidArg, "expected a smoothing of " + std::to_string(in) +
                                            " numbers for " + weight.name() + ", found " +
                                            std::to_string(smoothing.size()));
  }
  const at::Tensor factors = at::tensor(smoothing, at::kFloat);
  at::Tensor full = read_tensor(weight, Precision::kFp32);
  if (!smoothing.empty()) {
    full.mul_(factors);
    module_->module.register_buffer(name + "_inverse_smoothing", factors.reciprocal());
    names.inverse_smoothing = "self." + name + "_inverse_smoothing";
  }
  const auto [values, scales] = int8_weight_of(full);
  module_->module.register_parameter(name, values, false);
  module_->module.register_buffer(name + "_scales", scales);
  int8_weights_.push_back(name);
  parameters_ += weight.parameters();
  return written_int8_[weight.name()] = names;
}

std::string ModuleWriter::buffer(const std::vector<float>& values, const Shape& shape) {
  const std::string name = unique_name("constant");
  module_->module.register_buffer(name, at::tensor(values, at::kFloat).view(shape));
  return "self." + name;
}

std::string ModuleWriter::typed_one() {
  const std::string name = unique_name("one");
  module_->module.register_buffer(name, at::ones({1}, stored_type(precision_)));
  return "self." + name;
}

void ModuleWriter::assign(const std::vector<Value>& targets, const std::string& expression) {
  std::string list;
  for (const Value target : targets) list += (list.empty() ? "" : ", ") + text(target);
  line(list + " = " + expression);
}

Value ModuleWriter::emit(const std::string& expression) {
  const Value value = reserve();
  assign({value}, expression);
  return value;
}

std::string ModuleWriter::text(Value value) { return "v" + std::to_string(value.id); }

std::string ModuleWriter::arguments() const {
  std::string list = "self";
  for (const std::string& name : inputs_) list += ", " + name;
  return list;
}

void ModuleWriter::end_method(const std::string& name, const std::string& further_arguments) {
  methods_.push_back({name, arguments() + further_arguments, std::exchange(source_, "")});
  inputs_.clear();
}

BuildReport ModuleWriter::save(Value embedding, const std::string& path, bool frozen) {
  return translating_torch_errors(ErrorCode::kIo, "cannot save " + path, [&] {
    jit::Module module = module_->module;
    line("return " + text(embedding) + ".float()");
    end_method("forward", "");
    std::vector<std::string> names;
    for (const Method& method : methods_) {
      module.define("def " + method.name + "(" + method.arguments + "):\n" + method.source,
                    std::make_shared<OperatorResolver>());
      names.push_back(method.name);
    }
    if (frozen) {
      module.eval();
      module = jit::freeze_module(module, names);
    } else {
      const auto add_list = [&](const char* name, const std::vector<std::string>& list) {
        module.register_attribute(name, c10::ListType::ofStrings(), c10::IValue(list));
      };
      add_list(kTables, tables_);
      add_list(kLinearWeights, linear_weights_);
      add_list(kInt8Weights, int8_weights_);
      module.register_attribute(kTokens, c10::IntType::get(), c10::IValue(tokens_));
    }
    write_module(module, path);
    return BuildReport{parameters_, {}};
  });
}

}  // namespace llm2clip
