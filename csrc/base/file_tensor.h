#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/tensor_source.h"

namespace llm2clip {

// A strided view of numbers in a file: a tensor of a checkpoint.
struct FileTensorLayout {
  std::string name;
  Dtype dtype;
  Shape shape;
  std::vector<int64_t> strides;  // in elements
  uint64_t offset;               // of the first element, in bytes
};

// Reads in pieces and converts. Every number is checked: NaN and infinity are refused with
// ERR_CHECKPOINT_NONFINITE, values beyond the range of f16 with ERR_CHECKPOINT_UNSUPPORTED.
class FileTensor : public TensorSource {
 public:
  FileTensor(std::shared_ptr<const File> file, FileTensorLayout layout);
  const Shape& shape() const override { return layout_.shape; }
  void read(Dtype dtype, std::span<std::byte> out) const override;

 private:
  // Longest run of elements that lie one after the other both in the file and in the tensor.
  int64_t contiguous_run() const;
  uint64_t offset_of_run(int64_t run, int64_t run_length) const;
  void convert(const std::byte* in, size_t count, Dtype to, std::byte* out) const;

  std::shared_ptr<const File> file_;
  FileTensorLayout layout_;
};

}  // namespace llm2clip
