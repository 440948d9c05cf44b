#include "engine/torchscript/module_writer.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/frontend/sugared_value.h>
#include <torch/csrc/jit/passes/freeze_module.h>

#include <cctype>

#include "engine/torchscript/torch_error.h"

namespace llm2clip {
namespace {

namespace jit = torch::jit;

at::ScalarType scalar_type(Precision precision) {
  switch (precision) {
    case Precision::kFp32: return at::kFloat;
    case Precision::kBf16: return at::kBFloat16;
    case Precision::kFp16: return at::kHalf;
  }
  return at::kFloat;
}

Dtype dtype(Precision precision) {
  switch (precision) {
    case Precision::kFp32: return Dtype::kF32;
    case Precision::kBf16: return Dtype::kBF16;
    case Precision::kFp16: return Dtype::kF16;
  }
  return Dtype::kF32;
}

// `ops.<namespace>.<operator>`, as Python's torch.ops.
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
  at::Tensor tensor = at::empty(weight.shape(), scalar_type(precision));
  weight.read(dtype(precision), {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()});
  return tensor;
}

}  // namespace

struct ModuleWriter::Module {
  jit::Module module{"LLM2CLIP"};
};

ModuleWriter::ModuleWriter(Precision precision)
    : module_(std::make_unique<Module>()), precision_(precision) {}

ModuleWriter::~ModuleWriter() = default;

std::string ModuleWriter::unique_name(const std::string& name) {
  std::string attribute = name.substr(0, name.find('|'));
  for (char& c : attribute) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  while (module_->module.hasattr(attribute)) attribute += "_";
  return attribute;
}

std::string ModuleWriter::parameter(const Weight& weight) {
  const std::string name = unique_name(weight.name());
  module_->module.register_parameter(name, read_tensor(weight, precision_), false);
  parameters_ += weight.parameters();
  return "self." + name;
}

std::string ModuleWriter::linear_weight(const Weight& weight) {
  std::string reference = parameter(weight);
  linear_weights_.push_back(reference.substr(sizeof("self.") - 1));
  return reference;
}

std::string ModuleWriter::buffer(const std::vector<float>& values, const Shape& shape) {
  const std::string name = unique_name("constant");
  module_->module.register_buffer(name, at::tensor(values, at::kFloat).view(shape));
  return "self." + name;
}

Value ModuleWriter::emit(const std::string& expression) {
  const Value value{values_++};
  source_ += "    " + text(value) + " = " + expression + "\n";
  return value;
}

std::string ModuleWriter::text(Value value) { return "v" + std::to_string(value.id); }

BuildReport ModuleWriter::save(Value embedding, const std::string& path, bool frozen) {
  return translating_torch_errors(ErrorCode::kIo, "cannot save " + path, [&] {
    jit::Module module = module_->module;
    module.define("def forward(self, pixel_values):\n" + source_ + "    return " + text(embedding) +
                      ".float()\n",
                  std::make_shared<OperatorResolver>());
    if (frozen) {
      module.eval();
      module = jit::freeze_module(module);
    } else {
      module.register_attribute("linear_weights", c10::ListType::ofStrings(),
                                c10::IValue(linear_weights_));
    }
    module.save(path);
    return BuildReport{parameters_};
  });
}

}  // namespace llm2clip
