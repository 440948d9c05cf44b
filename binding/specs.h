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

// Plain JS objects as csrc's own types; lib/native.ts is the other side. lib has validated what a
// user gave; a value that is wrong here is a defect of lib's, and throws ERR_INVALID_ARG.

// Of an edge of what an engine reads, in pixels.
inline constexpr int64_t kMostEdge = 1 << 14;

struct BuildSpec {
  TowerConfig config;
  std::vector<std::pair<std::string, std::pair<std::string, FileTensorLayout>>> weights;
  BuildOptions options;
  std::string output;
};

struct SessionSpec {
  std::string key;  // sessions of one key are one
  PipelineOptions parts;
  SchedulerOptions scheduler;                  // as serve() takes it
  std::optional<Preprocessing> preprocessing;  // of images
};

// PicturesSpec or TextsSpec of lib/native.ts: what goes through an engine file without a session.
// Copied, because JavaScript keeps its own.
struct FileRun {
  SessionOptions options;
  std::vector<float> pixels;  // [count, 3, S, S], where they are images
  TextList texts;             // else

  Images images() const;
  BatchView batch() const;
};

struct EncodeSpec {
  Ticket ticket;  // without its client, and without its input's kind and weight
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

// RawPixels, whose `data` is the second: a view of JS memory, which the caller keeps alive.
ImageView parse_image(const Napi::Object& image, const Napi::Value& data);

}  // namespace llm2clip::binding
