#pragma once

#include <cstdint>
#include <vector>

#include "image/resize_plan.h"
#include "kernels/cuda/preprocess.h"

namespace llm2clip {

// Coefficients as the GPU reads them, still on the host.
struct FlatCoefficients {
  std::vector<int32_t> first, count;

  explicit FlatCoefficients(const Coefficients& axis) {
    for (const auto& taps : axis.taps) {
      first.push_back(static_cast<int32_t>(taps.first));
      count.push_back(taps.count);
    }
  }
};

// The shape of a picture's two passes; the caller sets all that points to memory of the device.
inline CudaPreprocessing cuda_preprocessing(const ImageView& image, const ResizePlan& plan) {
  CudaPreprocessing p{};
  p.width = static_cast<int>(image.width);
  p.channels = image.channels;
  p.columns.stride = plan.columns.stride;
  p.rows.stride = plan.rows.stride;
  p.rows_first = plan.rows_first;
  if (plan.rows_first) {
    p.lines = static_cast<int>(plan.rows.taps.size());
    p.length = p.width;
  } else {
    const auto& last = plan.rows.taps.back();
    p.first_line = static_cast<int>(plan.rows.taps.front().first);
    p.lines = static_cast<int>(last.first) + last.count - p.first_line;
    p.length = static_cast<int>(plan.columns.taps.size());
  }
  return p;
}

}  // namespace llm2clip
