#pragma once

#include <cstddef>
#include <span>

#include "image/preprocess.h"
#include "kernels/cuda/preprocess.h"

namespace llm2clip {

// An image packed for the transfer to the GPU: a header, the tables that preprocess_cuda() reads,
// and the part of the image under the crop. It is aligned to 4 bytes on the host and on the device.

// Packs the image into `room` and returns the number of bytes. Returns 0 when these bytes, or the
// bytes between the two passes, do not fit into the room; then `room` holds nothing. Callable from
// any thread.
size_t pack_image(const ImageView& image, const Preprocessing& how, std::span<std::byte> room);

// Returns the arguments for the copy `on_device` of `packed`, which is on the host. `between` is
// scratch memory of the same size as the room.
CudaPreprocessing packed_image(const std::byte* packed, const std::byte* on_device,
                               uint8_t* between);

}  // namespace llm2clip
