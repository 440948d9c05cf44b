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
  int64_t dim;  // numbers of what it gives
};

// The parts that run on one thread: a vision tower, or a text side, of which either part may lack.
struct PipelineOptions {
  std::optional<PartOptions> vision = {}, llm = {}, adapter = {};
};

// What runs, of each part that there is.
struct PipelineInfo {
  std::optional<SessionInfo> vision = {}, llm = {}, adapter = {};
};

// A bundle's engines as the scheduler runs them: images go through the vision tower; texts through
// the language model, whose feature is rounded to bf16, and the adapter; features of a caller's
// through the adapter alone.
class Pipeline final : public BatchRunner {
 public:
  // Opens the parts. Throws what Engine::open() throws.
  Pipeline(Engine& engine, const PipelineOptions& options);

  PipelineInfo info() const;
  std::unique_ptr<BatchMemory> batch_memory(size_t floats) override;
  // Throws ERR_ENGINE_INCOMPATIBLE where a part is missing for what is asked, and where a part
  // gives vectors of another size than it was said to.
  Embeddings run(const BatchView& batch, const Output& output) override;

 private:
  // One part, in runs of no more than its largest batch.
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
