#pragma once

#include "engine/tensorrt/network_writer.h"

namespace llm2clip::tensorrt {

// Norms run in f32 whatever the network's type: sums over a row need its bits.

// x: f32 [.., D] → [.., D] of the network's type.
Tensor normalise(NetworkWriter& out, Tensor x, const Norm& norm);

// x over the root of its mean square, times the weight: f32 [.., D] → [.., D] of the network's
// type.
Tensor normalise_root_mean_square(NetworkWriter& out, Tensor x, const RmsNorm& norm);

// x: f32 [.., D] to the length of 1.
Tensor normalise_length(NetworkWriter& out, Tensor x);

// As normalise(), over the first D numbers of x: f32 [.., padded D], zeros from D on, which stay
// zeros. Spelled out, as the library's layer knows no such rows: to cut and pad them would move all
// of them twice.
Tensor normalise_padded(NetworkWriter& out, Tensor x, const Norm& norm);

}  // namespace llm2clip::tensorrt
