#pragma once

#include <napi.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file_tensor.h"
#include "batch/text_list.h"
#include "delivery.h"
#include "engine/calibrator.h"
#include "engine/linear_rate.h"
#include "engine/pipeline.h"
#include "image/preprocess.h"
#include "model/tower.h"
#include "serving/scheduler.h"

namespace llm2clip::binding {

// Converts plain JS objects to csrc's own types; lib/native.ts describes the objects. lib has
// checked the user's values, so a wrong value here is a bug in lib. It throws ERR_INVALID_ARG.

// Largest width and height of an engine's input, in pixels.
inline constexpr int64_t kMostEdge = 1 << 14;

struct BuildSpec {
  TowerConfig config;
  std::vector<std::pair<std::string, std::pair<std::string, FileTensorLayout>>> weights;
  BuildOptions options;
  std::string output;
};

struct SessionSpec {
  std::string key;  // sessions with the same key are shared
  PipelineOptions parts;
  SchedulerOptions scheduler;                  // as in serve()
  std::optional<Preprocessing> preprocessing;  // for images
};

// ImagesSpec or TextsSpec of lib/native.ts: inputs that run through an engine file without a
// session. They are copied, because JavaScript keeps its own memory.
struct FileRun {
  SessionOptions options;
  std::vector<float> pixels;  // [count, 3, S, S], for images
  TextList texts;             // for texts

  Images images() const;
  BatchView batch() const;
};

struct EncodeSpec {
  Ticket ticket;  // without the client, and without the input's kind and weight
  Napi::Value out;
  Delivery delivery;
};

BuildSpec parse_build_spec(const Napi::Object& spec);
SessionSpec parse_session_spec(const Napi::Object& spec);
FileRun parse_images_run(const Napi::Object& spec);
FileRun parse_file_run(const Napi::Object& spec);
std::vector<LayerSmoothing> parse_smoothings(const Napi::Array& layers);
LinearSpec parse_linear_spec(const Napi::Object& spec);
EncodeSpec parse_encode_spec(const Napi::Object& spec);
Preprocessing parse_preprocessing(const Napi::Object& spec);

// Parses RawPixels. `data` is its property of that name: a view of JavaScript memory, which the
// caller keeps alive.
ImageView parse_image(const Napi::Object& image, const Napi::Value& data);

}  // namespace llm2clip::binding
