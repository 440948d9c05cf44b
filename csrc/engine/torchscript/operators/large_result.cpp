#include "engine/torchscript/operators/large_result.h"

#include <ATen/ATen.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace llm2clip {
namespace {

constexpr size_t kLarge = 8U << 20;  // glibc's allocator keeps smaller blocks
constexpr size_t kAlignment = 64;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

struct Block {
  std::unique_ptr<void, Free> memory;
  size_t bytes = 0;
};

Block new_block(size_t bytes) {
  const size_t whole = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  Block block{std::unique_ptr<void, Free>(std::aligned_alloc(kAlignment, whole)), whole};
  if (!block.memory) throw std::bad_alloc();
  return block;
}

// A kept block is freed after this many successive results that need less than a quarter of it. In
// a language model, each layer has three small results per large one.
constexpr int kSmallInARow = 16;

// Keeps the block that was given back last. Tensors may be freed on any thread.
class Kept {
 public:
  // A block that is much too large for a long time is freed; otherwise it would stay forever.
  Block take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    Block block = std::exchange(block_, {});
    small_ = block.bytes / 4 > bytes ? small_ + 1 : 0;
    if (block.bytes >= bytes && small_ < kSmallInARow) return block;
    small_ = 0;
    return new_block(bytes);
  }

  void give_back(Block block) {
    const std::lock_guard lock(mutex_);
    if (block.bytes > block_.bytes) std::swap(block, block_);
  }

 private:
  std::mutex mutex_;
  Block block_;
  int small_ = 0;
};

}  // namespace

at::Tensor empty_result(at::IntArrayRef sizes, at::ScalarType type) {
  thread_local const auto kept = std::make_shared<Kept>();
  const size_t bytes = static_cast<size_t>(c10::multiply_integers(sizes)) * c10::elementSize(type);
  if (bytes < kLarge) return at::empty(sizes, type);
  auto block = std::make_shared<Block>(kept->take(bytes));
  void* memory = block->memory.get();
  return at::from_blob(
      memory, sizes, [block, owner = kept](void*) { owner->give_back(std::move(*block)); },
      at::dtype(type));
}

}  // namespace llm2clip
