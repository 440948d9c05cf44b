#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "base/shape.h"
#include "model/weights.h"

namespace llm2clip::testing {

using Shapes = std::map<std::string, Shape>;  // of a tower's tensors, by canonical name

// Returns element i of the tensor with this name.
using Numbers = std::function<float(const std::string& name, size_t i)>;

// Irregular numbers, scaled so that a layer keeps the scale of its input.
float drawn(const std::string& name, size_t i);

Weights numbered_weights(const Shapes& shapes, const Numbers& numbers);

}  // namespace llm2clip::testing
