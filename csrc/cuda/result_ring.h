#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "cuda/context.h"
#include "cuda/memory.h"

namespace llm2clip {

// Pinned memory that results are copied to and delivered from: as many pieces as are held at once,
// used again when their last reader has let go. Of one thread; readers may be any.
class ResultRing {
 public:
  struct Piece {
    std::shared_ptr<const CudaContext> context;
    PinnedMemory memory;
    std::atomic<bool> held = true;  // by a reader
    Piece(std::shared_ptr<const CudaContext> context, size_t bytes)
        : context(std::move(context)), memory(bytes) {}
    ~Piece() { context->make_current(); }
    Piece(const Piece&) = delete;
    Piece& operator=(const Piece&) = delete;
  };

  explicit ResultRing(std::shared_ptr<const CudaContext> context) : context_(std::move(context)) {}

  // At least so many bytes that nobody reads, of few sizes: a piece serves results of many. Throws
  // ERR_OUT_OF_MEMORY.
  std::shared_ptr<const Piece> next(size_t least);

 private:
  std::shared_ptr<const CudaContext> context_;
  std::vector<std::shared_ptr<Piece>> pieces_;
};

}  // namespace llm2clip
