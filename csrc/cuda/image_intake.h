#pragma once

#include <cstddef>
#include <span>

#include "cuda/stream.h"

namespace llm2clip {

struct ImageView;
struct Preprocessing;

// Converts the slots of a batch on the device into the engine's input. A slot holds either a packed
// image or pixels. Any thread may call it. The work that it adds to a stream runs in order.
class ImageIntake {
 public:
  virtual ~ImageIntake() = default;
  // Bytes of a converted slot on the device, a multiple of 16.
  virtual size_t bytes() const = 0;
  // Writes an image, together with the tables for its resize, to a slot. Returns the number of
  // bytes to send, or 0 when sending its pixels is quicker.
  virtual size_t pack(const ImageView& image, const Preprocessing& how,
                      std::span<std::byte> slot) const = 0;
  // packed: written by pack(); from: its copy on the device; scratch: as large as a slot; to:
  // bytes() bytes.
  virtual void unpack(const std::byte* packed, CudaAddress from, CudaAddress scratch,
                      CudaAddress to, const CudaStream& stream) const = 0;
  // from: pixels of `count` consecutive slots; to: `count` times bytes() bytes.
  virtual void convert(CudaAddress from, size_t count, CudaAddress to,
                       const CudaStream& stream) const = 0;
};

}  // namespace llm2clip
