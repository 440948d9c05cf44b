#pragma once

#include <algorithm>
#include <string>

#include "model/net.h"

namespace llm2clip {

// The parts that every tower consists of. Each takes its weights from the checkpoint by canonical
// name.

inline Norm norm(Weights& weights, const std::string& name, int64_t width, double eps) {
  return {weights.get(name + ".weight", {width}), weights.get(name + ".bias", {width}), eps};
}

inline RmsNorm rms_norm(Weights& weights, const std::string& name, int64_t width, double eps) {
  return {weights.get(name + ".weight", {width}), eps};
}

inline Linear linear(Weights& weights, const std::string& name, int64_t in, int64_t out) {
  return {weights.get(name + ".weight", {out, in}), weights.get(name + ".bias", {out})};
}

inline Linear linear_without_bias(Weights& weights, const std::string& name, int64_t in,
                                  int64_t out) {
  return {weights.get(name + ".weight", {out, in}), std::nullopt};
}

// Packs several linears with the same input into one. Their outputs lie side by side.
inline Linear pack(const std::vector<Linear>& linears) {
  std::vector<Weight> rows, biases;
  for (const Linear& part : linears) {
    rows.push_back(part.weight);
    biases.push_back(part.bias ? *part.bias : zeros({part.weight.shape()[0]}));
  }
  const bool biased =
      std::ranges::any_of(linears, [](const Linear& part) { return part.bias.has_value(); });
  return {pack_rows(rows), biased ? std::optional(pack_rows(biases)) : std::nullopt};
}

}  // namespace llm2clip
