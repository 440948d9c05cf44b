#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/record_function.h>

namespace llm2clip {

// The arguments of an operator that a callback of torch's is told of; empty where it is told none.
inline c10::ArrayRef<const c10::IValue> operator_inputs(const at::RecordFunction& function) {
  // Told by the interpreter, inputs() is its whole stack: the operator's own are the last ones.
  const auto schema = function.operator_schema();
  const size_t count = schema ? schema->arguments().size() : 0;
  const auto stack = function.inputs();
  if (count == 0 || stack.size() < count) return {};
  return stack.slice(stack.size() - count);
}

}  // namespace llm2clip
