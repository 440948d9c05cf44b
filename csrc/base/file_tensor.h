#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/tensor_source.h"

namespace llm2clip {

// A strided view of the numbers of one checkpoint tensor in a file.
struct FileTensorLayout {
  std::string name;
  Dtype dtype;
  Shape shape;
  std::vector<int64_t> strides;  // in elements
  uint64_t offset;               // of the first element, in bytes
};

// Reads a tensor in pieces and converts its numbers. It checks every number: it throws
// ERR_CHECKPOINT_NONFINITE for NaN and infinity, and ERR_CHECKPOINT_UNSUPPORTED for values outside
// the range of f16 when it converts to f16.
class FileTensor : public TensorSource {
 public:
  FileTensor(std::shared_ptr<const File> file, FileTensorLayout layout);
  const Shape& shape() const override { return layout_.shape; }
  void read(Dtype dtype, std::span<std::byte> out) const override;

 private:
  // The length of the longest run of elements that are contiguous both in the file and in the
  // tensor.
  int64_t contiguous_run() const;
  uint64_t offset_of_run(int64_t run, int64_t run_length) const;
  void convert(const std::byte* in, size_t count, Dtype to, std::byte* out) const;

  std::shared_ptr<const File> file_;
  FileTensorLayout layout_;
};

}  // namespace llm2clip
