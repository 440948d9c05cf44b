#pragma once

#include <cstddef>
#include <span>

#include "base/dtype.h"
#include "base/shape.h"

namespace llm2clip {

// Where the numbers of one tensor come from.
class TensorSource {
 public:
  virtual ~TensorSource() = default;
  virtual const Shape& shape() const = 0;
  // Writes all elements, row-major, as `dtype`. Throws ERR_CHECKPOINT_NONFINITE and others.
  virtual void read(Dtype dtype, std::span<std::byte> out) const = 0;
};

}  // namespace llm2clip
