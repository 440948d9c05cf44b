#pragma once

#include <cstdint>
#include <vector>

#include "described_network.h"
#include "model/text.h"

namespace llm2clip::testing {

// The text side as its papers and transformers write it, one text at a time, in double precision
// and without any of csrc's operations: what networks are compared with.

// Of a text, the mean over its last `pooled` tokens.
std::vector<double> plain_llama(const LlamaConfig& config, const Numbers& numbers,
                                const std::vector<int64_t>& ids, int64_t pooled);

std::vector<double> plain_adapter(const AdapterConfig& config, const Numbers& numbers,
                                  std::vector<double> feature);

}  // namespace llm2clip::testing
