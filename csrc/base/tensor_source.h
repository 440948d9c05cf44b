#pragma once

#include <cstddef>
#include <span>

#include "base/dtype.h"
#include "base/shape.h"

namespace llm2clip {

// Supplies the numbers of one tensor.
class TensorSource {
 public:
  virtual ~TensorSource() = default;
  virtual const Shape& shape() const = 0;
  // Writes all elements in row-major order as `dtype`. Throws, for example,
  // ERR_CHECKPOINT_NONFINITE.
  virtual void read(Dtype dtype, std::span<std::byte> out) const = 0;
};

}  // namespace llm2clip
