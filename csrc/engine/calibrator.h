#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"

namespace llm2clip {

// How a linear fares in int8.
struct LayerCalibration {
  std::string name;              // of its (first) weight
  double cosine;                 // of its outputs in int8 to those in fp32
  std::vector<float> smoothing;  // the best that was found for it; empty: none helps
};

// What is made of a linear's input and weight before both are rounded.
struct LayerSmoothing {
  std::string name;              // of its (first) weight
  std::vector<float> smoothing;  // [in]; empty: none
};

struct Calibration {
  std::vector<float> embeddings;  // [count, dim], in fp32
  std::vector<LayerCalibration> layers;
};

// Says what int8 does to a model, by an fp32 engine file that was built to observe. Both block the
// calling thread, and throw ERR_ENGINE_INCOMPATIBLE for a file that does not observe.
class Calibrator {
 public:
  virtual ~Calibrator() = default;
  // Runs the images one by one, and says how each linear fares.
  virtual Calibration calibrate(const SessionOptions& options, const Images& images) = 0;
  // What each of these linears does to the embeddings when it alone is in int8: of each the least
  // cosine to the embedding in fp32, NaN where there is one. The images run as one batch, once and
  // once more a layer.
  virtual std::vector<double> layer_effects(const SessionOptions& options, const Images& images,
                                            const std::vector<LayerSmoothing>& layers) = 0;
};

}  // namespace llm2clip
