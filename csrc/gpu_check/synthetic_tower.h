#pragma once

#include <string>

#include "engine/engine.h"
#include "model/text.h"
#include "model/vision.h"

namespace llm2clip {

// "eva02-large" is EVA02-L/14@336 as published. "eva02-small", whose SwiGLU is padded as well,
// "clip-small" and "siglip2-small" have three blocks. Throws ERR_INVALID_ARG for any other name.
VisionConfig tower_named(const std::string& name);

struct EngineKind {
  Precision precision;
  bool portable = false;
  int64_t max_batch = 1;
};

// Writes an engine with random weights. The weights are seeded by their names, so that they are the
// same in every kind of engine. Their scale is such that every operation keeps the scale of its
// input.
void write_synthetic_engine(Engine& engine, const VisionConfig& config, const EngineKind& kind,
                            const std::string& path);

// A language model whose key heads are shared, as in Llama 3. Its engine is for this machine's GPU
// or for the CPU.
LlamaConfig llama_small();
LlamaConfig llama_large();  // the shape of Llama 3.2 1B
void write_synthetic_engine(Engine& engine, const LlamaConfig& config, Precision precision,
                            int64_t max_batch, const std::string& path);

// An adapter with random weights. The large one takes features of the width of llama_large().
AdapterConfig adapter_small();
AdapterConfig adapter_large();
void write_synthetic_engine(Engine& engine, const AdapterConfig& config, Precision precision,
                            int64_t max_batch, const std::string& path);

}  // namespace llm2clip
