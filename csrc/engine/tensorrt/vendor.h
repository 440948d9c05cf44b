#pragma once

#include <NvInfer.h>

#include <memory>
#include <string>

namespace llm2clip::tensorrt {

// The vendor's library, which open_plugin() has opened by its absolute path: nothing here is linked
// against it. Throws ERR_RUNTIME_MISSING where it is not there, ERR_ENGINE_INCOMPATIBLE for one of
// another version than this plugin was compiled for.
std::unique_ptr<nvinfer1::IBuilder> create_builder();
std::unique_ptr<nvinfer1::IRuntime> create_runtime();

// "1.7.1.116"
std::string library_version();

}  // namespace llm2clip::tensorrt
