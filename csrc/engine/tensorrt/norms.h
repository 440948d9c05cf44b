#pragma once

#include "engine/tensorrt/network_writer.h"

namespace llm2clip::tensorrt {

// Norms run in f32 whatever the network's type, because sums over a row need the precision.

// x: f32 [.., D] → [.., D] in the network's type.
Tensor normalise(NetworkWriter& out, Tensor x, const Norm& norm);

// Divides x by the root of its mean square and multiplies by the weight: f32 [.., D] → [.., D] in
// the network's type.
Tensor normalise_root_mean_square(NetworkWriter& out, Tensor x, const RmsNorm& norm);

// Scales x, f32 [.., D], to length 1.
Tensor normalise_length(NetworkWriter& out, Tensor x);

// The same as normalise(), over the first D elements of x: f32 [.., padded D]. The elements after D
// are zeros and stay zeros. It is composed of simple layers, because the library's norm does not
// support padded rows; cropping and padding again would move all of them twice.
Tensor normalise_padded(NetworkWriter& out, Tensor x, const Norm& norm);

}  // namespace llm2clip::tensorrt
