#pragma once

#include <cstddef>
#include <span>

#include "cuda/stream.h"

namespace llm2clip {

struct ImageView;
struct Preprocessing;

// What an engine makes of the slots of a batch on their way to where it reads them: of pictures
// that are sent as they are, and of pixels. Of any thread; what it puts on a stream runs in order
// there.
class PictureIntake {
 public:
  virtual ~PictureIntake() = default;
  // Of what a slot becomes on the device: a multiple of 16.
  virtual size_t bytes() const = 0;
  // Writes a picture, with all that it takes to make pixels of it, to a slot, and says how many
  // bytes are to be sent; 0 where its pixels had better be sent.
  virtual size_t pack(const ImageView& image, const Preprocessing& how,
                      std::span<std::byte> slot) const = 0;
  // packed: as pack() wrote it; from: its copy; scratch: as large as a slot; to: bytes().
  virtual void unpack(const std::byte* packed, CudaAddress from, CudaAddress scratch,
                      CudaAddress to, const CudaStream& stream) const = 0;
  // from: pixels of `count` slots, one after the other; to: bytes() each.
  virtual void convert(CudaAddress from, size_t count, CudaAddress to,
                       const CudaStream& stream) const = 0;
};

}  // namespace llm2clip
