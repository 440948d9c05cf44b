#pragma once

#include <NvInfer.h>

#include <memory>
#include <string>

namespace llm2clip::tensorrt {

// The vendor's library. open_plugin() has opened it by its absolute path; nothing is linked against
// it. Throws ERR_RUNTIME_MISSING when it is not open, and ERR_ENGINE_INCOMPATIBLE when it has
// another version than this plugin was compiled for.
std::unique_ptr<nvinfer1::IBuilder> create_builder();
std::unique_ptr<nvinfer1::IRuntime> create_runtime();

// For example "1.7.1.116".
std::string library_version();

}  // namespace llm2clip::tensorrt
