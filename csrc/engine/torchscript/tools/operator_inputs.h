#pragma once

#include <ATen/core/function_schema.h>
#include <ATen/record_function.h>

namespace llm2clip {

// The arguments of an operator that torch reports to a callback; empty if it reports none.
inline c10::ArrayRef<const c10::IValue> operator_inputs(const at::RecordFunction& function) {
  // If the interpreter calls the callback, inputs() is its whole stack. The operator's arguments
  // are the last ones.
  const auto schema = function.operator_schema();
  const size_t count = schema ? schema->arguments().size() : 0;
  const auto stack = function.inputs();
  if (count == 0 || stack.size() < count) return {};
  return stack.slice(stack.size() - count);
}

}  // namespace llm2clip
