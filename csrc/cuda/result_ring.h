#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "cuda/context.h"
#include "cuda/memory.h"

namespace llm2clip {

// Pinned memory that results are copied to and delivered from. There are as many pieces as readers
// hold at once; a piece is reused when its last reader releases it. The ring belongs to one thread.
// Readers may be on any thread.
class ResultRing {
 public:
  struct Piece {
    std::shared_ptr<const CudaContext> context;
    PinnedMemory memory;
    std::atomic<bool> held = true;  // a reader holds it
    Piece(std::shared_ptr<const CudaContext> context, size_t bytes)
        : context(std::move(context)), memory(bytes) {}
    ~Piece() { context->make_current(); }
    Piece(const Piece&) = delete;
    Piece& operator=(const Piece&) = delete;
  };

  explicit ResultRing(std::shared_ptr<const CudaContext> context) : context_(std::move(context)) {}

  // Returns a piece of at least `least` bytes that nobody reads. Sizes are rounded up to powers of
  // two, so that a piece fits many results. Throws ERR_OUT_OF_MEMORY.
  std::shared_ptr<const Piece> next(size_t least);

 private:
  std::shared_ptr<const CudaContext> context_;
  std::vector<std::shared_ptr<Piece>> pieces_;
};

}  // namespace llm2clip
