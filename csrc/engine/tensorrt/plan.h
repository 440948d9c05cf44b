#pragma once

#include <NvInfer.h>

#include <string>

#include "engine/engine.h"

namespace llm2clip::tensorrt {

// Builds the network into a plan at `path`, a new file, for batches of 1 to options.max_batch.
// Throws ERR_ENGINE_INCOMPATIBLE when the library cannot build it, ERR_OUT_OF_MEMORY and ERR_IO.
void write_plan(nvinfer1::IBuilder& builder, nvinfer1::INetworkDefinition& network,
                const BuildOptions& options, const std::string& path);

}  // namespace llm2clip::tensorrt
