#pragma once

#include <cstddef>
#include <span>

#include "image/preprocess.h"
#include "kernels/cuda/preprocess.h"

namespace llm2clip {

// A picture as it goes to the GPU, in one piece: the part of it that its crop is made of, and
// behind a header the tables that preprocess_cuda() reads. Aligned to 4 bytes, on either side.

// Writes it to `room` and says how many bytes it takes; 0 where these, or what lies between the two
// passes, are more than the room: `room` then holds nothing. Any thread.
size_t pack_picture(const ImageView& image, const Preprocessing& how, std::span<std::byte> room);

// What `packed`, on the host, says of its copy `on_device`. `between` is scratch of as many bytes
// as the room had.
CudaPreprocessing packed_picture(const std::byte* packed, const std::byte* on_device,
                                 uint8_t* between);

}  // namespace llm2clip
