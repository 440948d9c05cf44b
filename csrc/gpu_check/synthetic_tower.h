#pragma once

#include <string>

#include "engine/engine.h"
#include "model/text.h"
#include "model/vision.h"

namespace llm2clip {

// "eva02-large" is EVA02-L/14@336 as published; "eva02-small", whose SwiGLU is padded too,
// "clip-small" and "siglip2-small" have three blocks. Throws ERR_INVALID_ARG for another name.
VisionConfig tower_named(const std::string& name);

struct EngineKind {
  Precision precision;
  bool portable = false;
  int64_t max_batch = 1;
};

// Writes an engine of weights that are drawn by their names: the same in every kind, of a tower in
// which every operation keeps its input's scale.
void write_synthetic_engine(Engine& engine, const VisionConfig& config, const EngineKind& kind,
                            const std::string& path);

// A language model whose heads of keys are shared, as those of Llama 3 are; its engine is for this
// machine's GPU, or for the CPU.
LlamaConfig llama_small();
LlamaConfig llama_large();  // Llama 3.2 1B's shape
void write_synthetic_engine(Engine& engine, const LlamaConfig& config, Precision precision,
                            int64_t max_batch, const std::string& path);

// An adapter, likewise; the large one is of features of that model's width.
AdapterConfig adapter_small();
AdapterConfig adapter_large();
void write_synthetic_engine(Engine& engine, const AdapterConfig& config, Precision precision,
                            int64_t max_batch, const std::string& path);

}  // namespace llm2clip
