#pragma once

#include <memory>

#include "base/dtype.h"
#include "cuda/picture_intake.h"
#include "kernels/cuda/patches.h"

namespace llm2clip {

// Slots [3, S, S] f32 become the patches [count, padded] that a patch embedding multiplies, in its
// weight's type: f16, bf16 or f32. Pictures are resized, cropped and normalised on the GPU, to the
// numbers of preprocess(), but for those that would take longer to send than their pixels.
std::shared_ptr<const PictureIntake> patch_intake(Dtype type, const PatchGrid& grid);

}  // namespace llm2clip
