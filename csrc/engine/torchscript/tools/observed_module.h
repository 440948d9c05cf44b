#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

namespace llm2clip {

// A linear layer of an engine that was built to observe, by the names of the module's attributes.
struct ObservedLinear {
  std::string name;         // of its (first) weight in the checkpoint
  std::string weight;       // [out, in] f32
  std::string observation;  // see observation.h
};

// Throws c10::Error for a file that is no engine, or that does not observe.
torch::jit::Module load_observed_module(const std::string& path);

// In the order of the network.
std::vector<ObservedLinear> observed_linears(const torch::jit::Module& module);

}  // namespace llm2clip
