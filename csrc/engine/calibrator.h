#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"

namespace llm2clip {

// The effect of int8 on a linear layer.
struct LayerCalibration {
  std::string name;              // canonical name of its (first) weight
  double cosine;                 // between its outputs in int8 and in fp32
  std::vector<float> smoothing;  // the best one found; empty: none helps
};

// The smoothing of a linear layer's input and weight before both are rounded.
struct LayerSmoothing {
  std::string name;              // canonical name of its (first) weight
  std::vector<float> smoothing;  // [in]; empty: none
};

struct Calibration {
  std::vector<float> embeddings;  // [count, dim], in fp32
  std::vector<LayerCalibration> layers;
};

// Measures the effect of int8 on a model, with an fp32 engine file that was built to observe. Both
// methods block the calling thread, and throw ERR_ENGINE_INCOMPATIBLE for a file that does not
// observe.
class Calibrator {
 public:
  virtual ~Calibrator() = default;
  // Runs the images one by one, and reports the effect of int8 on each linear layer.
  virtual Calibration calibrate(const SessionOptions& options, const Images& images) = 0;
  // Measures the effect of each of these layers on the embeddings if only that layer is in int8.
  // Returns for each the lowest cosine to the fp32 embeddings, or NaN if a cosine is NaN. The
  // images run as one batch, once in fp32 and once more per layer.
  virtual std::vector<double> layer_effects(const SessionOptions& options, const Images& images,
                                            const std::vector<LayerSmoothing>& layers) = 0;
};

}  // namespace llm2clip
