#pragma once

#include <cstdint>
#include <vector>

#include "described_network.h"
#include "model/text.h"

namespace llm2clip::testing {

// A plain reference for the text side, written like the papers and transformers: one text at a
// time, in double precision, without csrc's operations. Networks are compared with it.

// Returns the mean over the last `pooled` tokens of one text.
std::vector<double> plain_llama(const LlamaConfig& config, const Numbers& numbers,
                                const std::vector<int64_t>& ids, int64_t pooled);

std::vector<double> plain_adapter(const AdapterConfig& config, const Numbers& numbers,
                                  std::vector<double> feature);

}  // namespace llm2clip::testing
