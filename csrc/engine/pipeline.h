#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "engine/engine.h"
#include "serving/batch_runner.h"

namespace llm2clip {

// The engine file of one part of a bundle.
struct PartOptions {
  SessionOptions session;
  int64_t dim;  // length of its output
};

// The parts that run on one thread: a vision tower, or a text side, which may lack one of its
// parts.
struct PipelineOptions {
  std::optional<PartOptions> vision = {}, llm = {}, adapter = {};
};

// What runs, for each part that is there.
struct PipelineInfo {
  std::optional<SessionInfo> vision = {}, llm = {}, adapter = {};
};

// Runs a bundle's engines for the scheduler. Images go through the vision tower. Texts go through
// the language model, whose feature is rounded to bf16, and the adapter. Callers' features go only
// through the adapter.
class Pipeline final : public BatchRunner {
 public:
  // Opens the parts. Throws what Engine::open() throws.
  Pipeline(Engine& engine, const PipelineOptions& options);

  PipelineInfo info() const;
  std::unique_ptr<BatchMemory> batch_memory(size_t floats) override;
  // Throws ERR_ENGINE_INCOMPATIBLE if a part that the output needs is missing, or if a part returns
  // vectors of another size than stated.
  Embeddings run(const BatchView& batch, const Output& output) override;

 private:
  // One part, which runs batches in pieces of at most its largest batch.
  class Part {
   public:
    Part(Engine& engine, const PartOptions& options);
    Session& session() const { return *session_; }
    Embeddings run(const BatchView& batch) const;

   private:
    Embeddings run_once(const BatchView& batch) const;

    std::unique_ptr<Session> session_;
    int64_t max_batch_, dim_;
  };

  Embeddings run_images(const Images& images, const Output& output) const;
  Embeddings run_texts(const Texts& texts, const Output& output) const;

  std::optional<Part> vision_, adapter_, llm_;
};

}  // namespace llm2clip
