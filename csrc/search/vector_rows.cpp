#include "search/vector_rows.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/error.h"
#include "search/encode_rows.h"

namespace llm2clip {
namespace {

// Blocks grow with the rows, up to a size at which huge pages pay off.
constexpr size_t kLeastBlock = 64U << 10, kMostBlock = 32U << 20, kLargePage = 2U << 20;

}  // namespace

int64_t RowSnapshot::rows_in(const RowBlock& block) const {
  return std::min(block.capacity, count - block.first_row);
}

bool RowSnapshot::is_removed(int64_t row) const {
  return removed && static_cast<size_t>(row) < removed->size() &&
         (*removed)[static_cast<size_t>(row)] != 0;
}

void VectorRows::add_block() {
  const size_t stride = format_.stride();
  const size_t wanted = std::clamp(bytes_, kLeastBlock, kMostBlock) / stride;
  const auto capacity = static_cast<int64_t>(std::max<size_t>(1, wanted));
  const size_t bytes = static_cast<size_t>(capacity) * stride;
  auto block = std::make_shared<RowBlock>();
  block->memory = allocate_aligned(bytes, bytes >= kLargePage ? kLargePage : 64);
  // Only a hint. It does not matter when the system ignores it.
  if (bytes >= kLargePage) ::madvise(block->memory.get(), bytes, MADV_HUGEPAGE);
  if (format_.has_scales()) block->scales.resize(static_cast<size_t>(capacity));
  block->first_row = capacity_;
  block->capacity = capacity;
  blocks_.push_back(std::move(block));
  capacity_ += capacity;
  bytes_ += bytes + (format_.has_scales() ? static_cast<size_t>(capacity) * sizeof(float) : 0);
}

void VectorRows::reserve(int64_t rows) {
  if (rows > kMostRows - count_) {
    throw Error(ErrorCode::kOutOfMemory, "an index holds 4,294,967,295 vectors at most");
  }
  try {
    while (capacity_ - count_ < rows) add_block();
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kOutOfMemory,
                "out of memory with " + std::to_string(bytes_) + " bytes of vectors in the index");
  }
}

template <typename Encode>
void VectorRows::append(int64_t rows, const Encode& encode) {
  reserve(rows);
  // Fills the block that holds row count_, then the blocks after it.
  auto block = std::partition_point(blocks_.begin(), blocks_.end(), [this](const auto& one) {
    return one->first_row + one->capacity <= count_;
  });
  for (int64_t i = 0; i < rows; ++i) {
    while (count_ + i >= (*block)->first_row + (*block)->capacity) ++block;
    const int64_t at = count_ + i - (*block)->first_row;
    const float scale =
        encode(i, (*block)->memory.get() + static_cast<size_t>(at) * format_.stride());
    if (format_.has_scales()) (*block)->scales[static_cast<size_t>(at)] = scale;
  }
  count_ += rows;
}

void VectorRows::add(const float* vectors, int64_t rows) {
  const int64_t unfit = find_unfit_row(vectors, rows, format_);
  if (unfit >= 0) {
    throw Error(ErrorCode::kInvalidBuffer,
                std::string("expected finite numbers") +
                    (format_.storage == Storage::kFp16 ? " within the range of fp16" : "") +
                    " for vectors, found others in row " + std::to_string(unfit));
  }
  append(rows, [&](int64_t i, std::byte* out) {
    return encode_row(vectors + i * format_.dim, out, format_);
  });
}

void VectorRows::add_encoded(const std::byte* numbers, const float* scales, int64_t rows) {
  const size_t bytes = format_.row_bytes();
  append(rows, [&](int64_t i, std::byte* out) {
    std::memcpy(out, numbers + static_cast<size_t>(i) * bytes, bytes);
    std::memset(out + bytes, 0, format_.stride() - bytes);
    return format_.has_scales() ? scales[i] : 1.0F;
  });
}

void VectorRows::remove(std::span<const uint32_t> rows) {
  auto removed = removed_ ? std::make_shared<std::vector<uint8_t>>(*removed_)
                          : std::make_shared<std::vector<uint8_t>>();
  removed->resize(static_cast<size_t>(count_));
  for (const uint32_t row : rows) {
    if (static_cast<int64_t>(row) >= count_ || (*removed)[row] != 0) continue;
    (*removed)[row] = 1;
    ++removed_count_;
  }
  removed_ = std::move(removed);
}

RowSnapshot VectorRows::snapshot() const {
  return {format_, count_, {blocks_.begin(), blocks_.end()}, removed_};
}

}  // namespace llm2clip
