#pragma once

#include <memory>

#include "base/dtype.h"
#include "cuda/image_intake.h"
#include "kernels/cuda/patches.h"

namespace llm2clip {

// Converts slots [3, S, S] f32 to the patches [count, padded] that a patch embedding multiplies, in
// its weight's type: f16, bf16 or f32. It also resizes, crops and normalises packed images on the
// GPU, with the same result as preprocess(). Images that would take longer to send than their
// pixels are not packed.
std::shared_ptr<const ImageIntake> patch_intake(Dtype type, const PatchGrid& grid);

}  // namespace llm2clip
