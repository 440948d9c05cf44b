#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "base/shape.h"
#include "model/weights.h"

namespace llm2clip::testing {

using Shapes = std::map<std::string, Shape>;  // of a tower's tensors, by canonical name

// What their numbers are: number i of the tensor of that name.
using Numbers = std::function<float(const std::string& name, size_t i)>;

// Uneven numbers of the scale at which a layer keeps its input's.
float drawn(const std::string& name, size_t i);

Weights numbered_weights(const Shapes& shapes, const Numbers& numbers);

}  // namespace llm2clip::testing
